"""What is counted for the operator's monitoring. No text, no ids: labels come from fixed lists only."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

REGISTRY = CollectorRegistry()

EVENTS = Counter("engawa_events_total", "Events taken in", ["channel", "kind"], registry=REGISTRY)
REPEATED = Counter("engawa_events_repeated_total", "Events that had been taken in before", registry=REGISTRY)
TURNS = Counter("engawa_turns_total", "Turns handled", registry=REGISTRY)
SPOOLED = Counter("engawa_events_spooled_total", "Events kept while the database was away", registry=REGISTRY)
SPOOL_BYTES = Gauge("engawa_spool_bytes", "Bytes in the spool of this machine", registry=REGISTRY)
SENDS = Counter(
    "engawa_sends_total", "Tries to send, by way and outcome", ["via", "outcome"], registry=REGISTRY
)
DROPPED = Counter(
    "engawa_sends_dropped_total", "Messages dropped before they left, by reason", ["code"], registry=REGISTRY
)
SEND_SECONDS = Histogram("engawa_send_seconds", "Duration of a call to a platform", registry=REGISTRY)
_ACCOUNT = ["kind", "account"]
ACCOUNT_HEALTHY = Gauge(
    "engawa_account_healthy",
    "1 when the account's platform tells of nothing wrong",
    _ACCOUNT,
    registry=REGISTRY,
)
ACCOUNT_PENDING = Gauge(
    "engawa_account_pending", "Events the platform still holds", _ACCOUNT, registry=REGISTRY
)
ACCOUNT_QUOTA = Gauge("engawa_account_quota_left", "Pushes left this month", _ACCOUNT, registry=REGISTRY)
ACCOUNT_SKEW = Gauge(
    "engawa_account_clock_skew_seconds", "Our clock beside the platform's", _ACCOUNT, registry=REGISTRY
)
ACCOUNT_RECEIVED = Gauge(
    "engawa_account_last_received_seconds", "When the last event came in", _ACCOUNT, registry=REGISTRY
)
ACCOUNT_SENT = Gauge(
    "engawa_account_last_sent_seconds", "When the last message went out", _ACCOUNT, registry=REGISTRY
)
RETENTION_RAN = Gauge(
    "engawa_retention_last_run_seconds", "When old data was last forgotten", registry=REGISTRY
)
STREAMS = Gauge("engawa_streams", "Open live streams of the web chat", registry=REGISTRY)
ALERT_SENDS = Counter(
    "engawa_alert_sends_total", "Tries to tell staff, by outcome", ["outcome"], registry=REGISTRY
)
ALERTS_OPEN = Gauge("engawa_alerts_open", "Alerts that are not over", registry=REGISTRY)
ALERTS_UNDELIVERED = Gauge("engawa_alerts_undelivered", "Open alerts that reached nobody", registry=REGISTRY)
ROUND_PASSED = Gauge(
    "engawa_round_last_passed_seconds", "When the synthetic round last passed", registry=REGISTRY
)
