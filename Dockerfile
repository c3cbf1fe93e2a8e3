# A worker. Build: docker build -t fairlead .
FROM python:3.12-slim AS build
WORKDIR /src
RUN python -m venv /opt/fairlead
COPY pyproject.toml README.md LICENSE ./
COPY monitor monitor
COPY streams streams
COPY alerts alerts
COPY dashboards dashboards
RUN /opt/fairlead/bin/pip install --no-cache-dir .

FROM python:3.12-slim
ENV PATH=/opt/fairlead/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin fairlead
COPY --from=build /opt/fairlead /opt/fairlead
USER 10001
WORKDIR /tmp
EXPOSE 6066
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=4 \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:6066/healthz', timeout=4)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["fairlead"]
CMD ["worker", "-c", "/etc/fairlead/fairlead.toml"]
