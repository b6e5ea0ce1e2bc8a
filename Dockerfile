# The gate and the repair in one image, for machines without a GPU:
#
#     docker build -t nightmend .
#     docker run --rm --user "$(id -u):$(id -g)" -v "$PWD:/work" nightmend check pictures
#
# For a GPU: docker build --build-arg NIGHTMEND_TORCH=cu130 -t nightmend .

FROM python:3.12-slim-bookworm AS build
ARG NIGHTMEND_TORCH=cpu
# Bytecode as well: whoever runs the image cannot write it, and would compile at every start.
ENV UV_LINK_MODE=copy UV_COMPILE_BYTECODE=1
RUN pip install --no-cache-dir "uv>=0.9,<1"
WORKDIR /source
COPY pyproject.toml uv.lock README.md LICENSE ./
COPY integrations/install.sh integrations/install.sh
COPY detectors detectors
COPY pipeline pipeline
COPY data/models data/models
COPY data/docs/rules data/docs/rules
RUN NIGHTMEND_TORCH="$NIGHTMEND_TORCH" integrations/install.sh /opt/nightmend

FROM python:3.12-slim-bookworm
# What OpenCV and MediaPipe load, and git for --changed-since. A point release of Debian
# takes the exact versions away, so they are not pinned.
# hadolint ignore=DL3008
RUN apt-get update \
  && apt-get install -y --no-install-recommends libgl1 libglib2.0-0 libegl1 libgles2 git \
  && rm -rf /var/lib/apt/lists/* \
  && git config --system --add safe.directory '*' \
  && useradd --uid 10001 nightmend
COPY --from=build /opt/nightmend /opt/nightmend
ENV PATH=/opt/nightmend/bin:$PATH
# Whoever the image is run as (docker run --user), caches have a place.
ENV HOME=/tmp
USER 10001
WORKDIR /work
ENTRYPOINT ["nightmend"]
CMD ["--help"]
