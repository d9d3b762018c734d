// Asks the endpoint as an ordinary application would; prints one JSON object with what came back.
import { createClient } from "@clickhouse/client";

const [url, username, password] = process.argv.slice(2);
const said = {};

for (const compressed of [false, true]) {
  const client = createClient({
    url,
    username,
    password,
    compression: { response: compressed, request: false },
  });
  const asked = await client.query({
    query: "SELECT number AS n, {word:String} AS word FROM numbers(3)",
    query_params: { word: "it's 六单" },
    format: "JSONEachRow",
  });
  said[compressed ? "packed" : "plain"] = await asked.json();
  let rows = 0;
  const stream = (
    await client.query({ query: "SELECT number FROM numbers(300000)", format: "JSONCompactEachRow" })
  ).stream();
  for await (const some of stream) rows += some.length;
  said.streamed = rows;
  said.ping = (await client.ping()).success;
  try {
    await client.query({ query: "SELECT * FROM file('/etc/passwd')" });
  } catch (error) {
    said.refused = { code: error.code, type: error.type, message: error.message };
  }
  const leaving = new AbortController();
  const ended = client
    .query({
      query: "SELECT sum(cityHash64(number)) FROM numbers(1000000000000)",
      query_id: `node-${compressed}`,
      abort_signal: leaving.signal,
    })
    .catch((error) => error.message);
  setTimeout(() => leaving.abort(), 300);
  said.aborted = await ended;
  await client.close();
}
if (username === "writer") {
  const client = createClient({ url, username, password, compression: { request: true, response: true } });
  await client.command({
    query: "CREATE TABLE liudan.from_node (n UInt32, word String) ENGINE = MergeTree ORDER BY n",
  });
  await client.insert({
    table: "liudan.from_node",
    values: [{ n: 1, word: "一" }, { n: 2, word: "二" }],
    format: "JSONEachRow",
  });
  const back = await client.query({ query: "SELECT * FROM liudan.from_node ORDER BY n", format: "JSON" });
  said.inserted = (await back.json()).data;
  await client.close();
}
console.log(JSON.stringify(said));
