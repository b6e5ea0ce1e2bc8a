"""How far each request of a batch is, and what of it may be handed out."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from detectors.geometry import Size
from pipeline.inpainters.diffusion.region import Region
from pipeline.inpainters.diffusion.trajectory import Trajectory, start
from pipeline.records import Candidate, PaintRequest


@dataclass(slots=True, eq=False)
class Slot:
    """One candidate on its way."""

    ticket: int
    region: Region
    number: int
    trajectory: Trajectory
    preview_step: int = 0
    """Steps after which a preview is due; 0 when none is, or when it was shown."""

    took_s: float = 0.0
    problem: str = ""
    """Why it will not be finished; "" while it may be."""

    restarted: bool = False

    @property
    def size(self) -> Size:
        """The working size that was asked for; it may be painted smaller."""
        return self.region.request.working

    def failed(self) -> Candidate:
        """Return it as a candidate without pixels."""
        return failed(self.region.request, self.number, self.problem, self.took_s)


@dataclass(slots=True, eq=False)
class Work:
    """A request in a batch."""

    ticket: int
    request: PaintRequest
    region: Region | None
    """None when it could not be prepared; all its candidates are then in `done`."""

    preview_step: int = 0
    prepared_s: float = 0.0
    """Seconds that its preparation took; they count for its first candidate."""

    begun: int = 0
    running: int = 0
    done: dict[int, Candidate] = field(default_factory=dict)
    """Ended, by number, and not handed out yet."""

    parked: dict[int, tuple[float, Slot]] = field(default_factory=dict)
    """Set aside after a preview, by number, with what the preview cost."""

    passed: int = 0
    """How many numbers have been handed out or set aside."""

    sound: bool = False
    """A candidate with pixels was handed out."""

    @property
    def size(self) -> Size:
        return self.request.working

    @property
    def waiting(self) -> int:
        """Candidates that have not been begun."""
        return len(self.request.seeds) - self.begun

    @property
    def exhausted(self) -> bool:
        """Everything that was begun has been handed out or set aside."""
        return self.passed == len(self.request.seeds) and not self.running

    def begin(self) -> Slot | None:
        """Begin the next candidate; None when there is none."""
        if not self.waiting or self.region is None:
            return None
        seed = self.request.seeds[self.begun]
        number = self.request.first_number + self.begun
        trajectory = start(self.region.conditions, seed)
        slot = Slot(self.ticket, self.region, number, trajectory, self.preview_step)
        slot.took_s = 0.0 if self.begun else self.prepared_s
        self.begun += 1
        self.running += 1
        return slot

    def end(self, candidate: Candidate) -> None:
        """Note that a running candidate has ended."""
        self.running -= 1
        self.done[candidate.number] = candidate

    def set_aside(self, slot: Slot, cost: float) -> None:
        """Note that a running candidate goes on only if nothing else comes out."""
        self.running -= 1
        self.parked[slot.number] = (cost, slot)

    def take_up(self) -> Slot | None:
        """Return the cheapest of those set aside, when nothing else came out."""
        if self.sound or not self.parked:
            return None
        number = min(self.parked, key=lambda each: (self.parked[each][0], each))
        self.running += 1
        return self.parked.pop(number)[1]

    def hand_out(self) -> list[Candidate]:
        """Return what has ended, in the order of the numbers, up to the first gap."""
        first = self.request.first_number
        ready = [number for number in sorted(self.done) if number < first + self.passed]
        while (number := first + self.passed) in self.done or number in self.parked:
            if number in self.done:
                ready.append(number)
            self.passed += 1
        shown = [self.done.pop(number) for number in ready]
        self.sound |= any(candidate.pixels is not None for candidate in shown)
        return shown

    def left_aside(self) -> list[Candidate]:
        """Return those that stay set aside, as candidates without pixels."""
        shown = []
        for number in sorted(self.parked):
            cost, slot = self.parked.pop(number)
            slot.problem = f"dropped early: its preview changed the cost by {cost:+.2f}"
            shown.append(slot.failed())
        return shown

    def give_up(self, problem: str) -> None:
        """End all candidates that have not been begun, with one problem."""
        first, seeds = self.request.first_number, self.request.seeds
        for place in range(self.begun, len(seeds)):
            number = first + place
            self.done[number] = failed(self.request, number, problem, 0.0)
        self.begun = len(seeds)

    def begin_again(self, region: Region, running: Sequence[Slot]) -> None:
        """Start everything that was begun once more, prepared in another way."""
        self.region = region
        for slot in (*running, *(slot for _, slot in self.parked.values())):
            slot.region = region
            slot.trajectory = start(region.conditions, slot.trajectory.seed)

    def break_off(self, running: Sequence[Slot], problem: str) -> None:
        """End all candidates that have not come out, with one problem."""
        self.give_up(problem)
        for slot in running:
            slot.problem = problem
            self.end(slot.failed())
        for number, (_, slot) in self.parked.items():
            slot.problem = problem
            self.done[number] = slot.failed()
        self.parked.clear()


def failed(
    request: PaintRequest, number: int, problem: str, took_s: float
) -> Candidate:
    """Return a candidate of a request that came to nothing."""
    seed = request.seeds[number - request.first_number]
    return Candidate(request.patch.number, number, seed, None, took_s, problem)


def fullest(slots: Sequence[Slot]) -> list[Slot]:
    """Return the slots of the working size that most of them have."""
    by_size: dict[Size, list[Slot]] = {}
    for slot in slots:
        by_size.setdefault(slot.size, []).append(slot)
    return max(by_size.values(), key=len, default=[])
