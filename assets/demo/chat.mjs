// A chat of three turns with node's own fetch.
const messages = [{ role: "system", content: "You explain Linux to engineers." }];
for (const question of ["What is a uprobe?", "What does it cost?", "Now as a haiku, please."]) {
  messages.push({ role: "user", content: question });
  const response = await fetch(`${process.env.OPENAI_BASE_URL}/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: "Bearer demo" },
    body: JSON.stringify({ model: "gpt-4o", stream: true, stream_options: { include_usage: true }, messages }),
  });
  let answer = "";
  for (const line of (await response.text()).split("\n")) {
    if (!line.startsWith("data: {")) continue;
    answer += JSON.parse(line.slice(6)).choices[0]?.delta.content ?? "";
  }
  messages.push({ role: "assistant", content: answer });
  await new Promise((read) => setTimeout(read, 5000));
}
