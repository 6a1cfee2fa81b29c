# syntax=docker/dockerfile:1
# Two stages: the first builds the wheel with its stylesheet, the second has only what running needs.
# No secret goes in: addresses and passwords come from the environment (docker-compose.yml, .env.example).

FROM python:3.12-slim-bookworm AS build
ENV PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    UV_NO_CACHE=1 \
    UV_PYTHON_DOWNLOADS=never
WORKDIR /src
COPY requirements/ requirements/
RUN python -m pip install --require-hashes -r requirements/uv.txt \
    && uv venv /opt/timebank \
    && uv pip install --python /opt/timebank/bin/python --compile-bytecode --require-hashes -r requirements/run.txt \
    && uv venv /opt/build \
    && uv pip install --python /opt/build/bin/python --require-hashes -r requirements/build.txt
COPY pyproject.toml hatch_build.py package.json package-lock.json README.md LICENSE ./
COPY ledger/ ledger/
COPY migrations/ migrations/
COPY timebank/ timebank/
RUN /opt/build/bin/python -m hatchling build --target wheel --directory /wheels \
    && uv pip install --python /opt/timebank/bin/python --compile-bytecode --no-deps /wheels/timebank-*.whl

FROM python:3.12-slim-bookworm
LABEL org.opencontainers.image.title="Timebank" \
      org.opencontainers.image.description="A time bank for co-production" \
      org.opencontainers.image.licenses="Apache-2.0"
RUN groupadd --system --gid 10001 timebank \
    && useradd --system --uid 10001 --gid timebank --home-dir /var/lib/timebank --create-home --shell /usr/sbin/nologin timebank
COPY --from=build /opt/timebank /opt/timebank
ENV PATH=/opt/timebank/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    TIMEBANK_HOST=0.0.0.0 \
    TIMEBANK_PORT=8000
USER timebank
WORKDIR /var/lib/timebank
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(f'http://127.0.0.1:{os.environ[\"TIMEBANK_PORT\"]}/healthz', timeout=4)"]
CMD ["timebank", "serve"]
