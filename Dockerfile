# The provider alone: no test, no demo, no compiler, no root.
FROM python:3.11.14-slim-bookworm AS build

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /src
COPY requirements/ requirements/
RUN python -m venv /opt/build \
    && /opt/build/bin/pip install --require-hashes -r requirements/build.txt \
    && python -m venv /opt/sesame \
    && /opt/sesame/bin/pip install --require-hashes -r requirements/runtime.txt
COPY pyproject.toml README.md LICENSE ./
COPY idp/ idp/
COPY keys/ keys/
COPY migrations/ migrations/
RUN /opt/build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /wheels . \
    && /opt/sesame/bin/pip install --no-deps --no-index --find-links /wheels sesame-idp \
    # The helper of a workstation is not in the image: neither is the command that starts it.
    && rm /opt/sesame/bin/sesame-reader

FROM python:3.11.14-slim-bookworm

RUN useradd --system --uid 10001 --home-dir /var/lib/sesame --create-home --shell /usr/sbin/nologin sesame
COPY --from=build /opt/sesame /opt/sesame
# Within a container loopback reaches nobody: who may reach it is decided by what publishes the port.
ENV PATH=/opt/sesame/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 SESAME_HOST=0.0.0.0
WORKDIR /var/lib/sesame
USER 10001
VOLUME /var/lib/sesame
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=2)"]
CMD ["sesame", "serve"]
