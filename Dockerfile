# syntax=docker/dockerfile:1

# -- builder: an environment with the locked packages and the project -------------------------
FROM python:3.12-slim AS builder

ENV PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1

WORKDIR /src

# The image has a database given to it (MONGODB_URI), so the lock without the bundled mongod.
COPY requirements/image.txt requirements/
RUN python -m venv /opt/runrelay \
 && /opt/runrelay/bin/pip install --require-hashes -r requirements/image.txt

COPY pyproject.toml README.md LICENSE ./
COPY schemas schemas
COPY processors processors
COPY app app
COPY sandbox sandbox
COPY clients/js clients/js
RUN /opt/runrelay/bin/pip install --no-deps --no-build-isolation . \
 && /opt/runrelay/bin/pip uninstall --yes hatchling editables pip

# -- runtime -----------------------------------------------------------------------------------
FROM python:3.12-slim

RUN useradd --system --uid 10001 --create-home --home-dir /var/lib/runrelay runrelay
COPY --from=builder /opt/runrelay /opt/runrelay

ENV PATH=/opt/runrelay/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    MALLOC_MMAP_THRESHOLD_=1048576 \
    PORT=8000 \
    DATA_DIR=/var/lib/runrelay/data

USER runrelay
WORKDIR /var/lib/runrelay
RUN mkdir data
VOLUME /var/lib/runrelay/data
EXPOSE 8000

HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
  CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen('http://127.0.0.1:' + os.environ['PORT'] + '/livez', timeout=2)"]

CMD ["runrelay", "serve", "--host", "0.0.0.0"]
