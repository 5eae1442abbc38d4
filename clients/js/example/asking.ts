/** Ask the shop's own server. With a body it is a POST. */
export async function ask<Answer>(path: string, body?: object): Promise<Answer> {
  const headers = { "Content-Type": "application/json" };
  const post = { method: "POST", headers, body: JSON.stringify(body) };
  const answer = await fetch(path, body && post);
  if (!answer.ok) throw new Error(await answer.text());
  return answer.json();
}
