"""Engine `transformer`: diffusers' whole pipelines behind one adapter."""
