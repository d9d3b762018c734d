"""Follow liudan's stream exactly once: your rows and your place in the log, in one transaction.

python examples/subscriber.py 127.0.0.1:9092 mine.db
"""

import json
import sqlite3
import sys

from kafka import KafkaConsumer, TopicPartition

TOPIC = "liudan.tickets.v1"
# After a crash the relay may send an event again: what is not newer was seen.
APPLY = """INSERT INTO tickets VALUES (?, ?, ?) ON CONFLICT DO UPDATE
    SET sequence = excluded.sequence, state = excluded.state WHERE excluded.sequence > sequence"""

mine = sqlite3.connect(sys.argv[2], isolation_level=None)
mine.execute("CREATE TABLE IF NOT EXISTS tickets (number TEXT PRIMARY KEY, sequence INTEGER, state TEXT)")
mine.execute("CREATE TABLE IF NOT EXISTS places (partition INTEGER PRIMARY KEY, next INTEGER)")

consumer = KafkaConsumer(bootstrap_servers=sys.argv[1], enable_auto_commit=False)
consumer.assign([TopicPartition(TOPIC, n) for n in consumer.partitions_for_topic(TOPIC)])
places = dict(mine.execute("SELECT * FROM places"))
for partition in consumer.assignment():
    consumer.seek(partition, places.get(partition.partition, 0))

while True:
    for partition, records in consumer.poll(timeout_ms=1000).items():
        mine.execute("BEGIN")
        for event in (json.loads(record.value) for record in records):
            row = (event["subject"], event["sequence"], event["data"]["ticket"]["state"])
            mine.execute(APPLY, row)
        place = (partition.partition, records[-1].offset + 1)
        mine.execute("INSERT OR REPLACE INTO places VALUES (?, ?)", place)
        mine.execute("COMMIT")
