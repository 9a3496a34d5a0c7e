"""Consumer lag, as the consumer itself sees it."""

import asyncio
from collections import Counter
from typing import Any

from shared.platform import telemetry

_EVERY_SECONDS = 5.0


async def watch_lag(service: str, subscriber: Any) -> None:
    """Sets the lag gauge by topic every few seconds: high watermark less position, over the assigned partitions."""
    seen: set[str] = set()
    while True:
        await asyncio.sleep(_EVERY_SECONDS)
        consumer = subscriber.consumer
        if consumer is None:
            continue
        # A topic whose partitions went to another replica must not keep its last value here.
        lag: Counter[str] = Counter(dict.fromkeys(seen, 0))
        for partition in consumer.assignment():
            end = consumer.highwater(partition)
            behind = end - await consumer.position(partition) if end is not None else 0
            lag[partition.topic] += max(0, behind)
        seen = set(lag)
        for topic, number in lag.items():
            telemetry.CONSUMER_LAG.labels(service, topic).set(number)
