"""What is said when Kafka is not there."""

from infra.event_log.port import LogUnavailable


class NoBroker(LogUnavailable):
    """Nobody answers at any of the bootstrap addresses."""

    def __init__(self, bootstrap: str) -> None:
        super().__init__(f"No Kafka broker answers at {bootstrap}: start it, or correct LIUDAN_KAFKA")
