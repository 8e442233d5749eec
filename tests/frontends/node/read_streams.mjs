// Reads streams with the protocols' own clients. Input: {"aiSdk": [...], "agUi": [...]}, each a list of the bodies of
// responses, one per request. Output: the messages that the clients make of them, their errors, and what they posted.
import { HttpAgent, buildResumeArray } from "@ag-ui/client";
import { AbstractChat, DefaultChatTransport, lastAssistantMessageIsCompleteWithApprovalResponses } from "ai";
import { readFileSync } from "node:fs";

const { aiSdk, agUi, headers } = JSON.parse(readFileSync(0, "utf8"));

/** A `fetch` that answers with these bodies, one after the other, and keeps what was posted. */
function answering(bodies, headers, posts) {
  const left = [...bodies];
  return async (url, init) => {
    posts.push(init.body ? JSON.parse(init.body) : null);
    return new Response(left.shift(), { status: 200, headers });
  };
}

class State {
  status = "ready";
  error = undefined;
  messages = [];
  pushMessage = (message) => { this.messages = [...this.messages, message]; };
  popMessage = () => { this.messages = this.messages.slice(0, -1); };
  replaceMessage = (index, message) => { this.messages = this.messages.with(index, message); };
  snapshot = (value) => structuredClone(value);
}

class Chat extends AbstractChat {
  constructor(init) { super({ ...init, state: new State() }); }
}

async function readAiSdk(bodies) {
  const posts = [], passing = [];
  const fetch = answering(bodies, headers.aiSdk, posts);
  const chat = new Chat({
    id: "thread-1",
    transport: new DefaultChatTransport({ api: "http://desk.test/api/chat", fetch }),
    onData: (part) => passing.push(part.type),
  });
  await chat.sendMessage({ text: "How many days?" });
  for (let n = 1; n < bodies.length; n++) {
    const asked = chat.lastMessage.parts.filter((part) => part.state === "approval-requested");
    if (asked.length === 0) { // a reload: the client replays the response from its beginning
      await chat.resumeStream();
      continue;
    }
    for (const [index, part] of asked.entries()) {
      await chat.addToolApprovalResponse({ id: part.approval.id, approved: index !== 0, reason: "as agreed" });
    }
    if (!lastAssistantMessageIsCompleteWithApprovalResponses(chat)) throw new Error("the approvals are incomplete");
    await chat.sendMessage();
  }
  return { messages: chat.messages, status: chat.status, error: chat.error?.message ?? null, posts, passing };
}

async function readAgUi(bodies) {
  const posts = [], events = [];
  let error = null;
  const agent = new HttpAgent({
    url: "http://desk.test/ag-ui",
    threadId: "thread-1",
    fetch: answering(bodies, headers.agUi, posts),
    initialMessages: [{ id: "question-1", role: "user", content: "How many days?" }],
  });
  agent.subscribe({
    onEvent: ({ event }) => { events.push(event.type); },
    onCustomEvent: ({ event, messages }) => event.name === "rolltop-discarded"
      ? { messages: messages.filter((message) => !message.id.startsWith(event.value.messageIdPrefix)) }
      : undefined,
    onRunErrorEvent: ({ event }) => { error = event.message; },
  });
  for (let n = 0; n < bodies.length; n++) {
    const interrupts = agent.pendingInterrupts;
    const responses = Object.fromEntries(interrupts.map((interrupt, index) => [interrupt.id, {
      status: "resolved",
      payload: { decision: index === 0 ? "deny" : "approve", digest: interrupt.responseSchema.properties.digest.const },
    }]));
    await agent.runAgent(n ? { resume: buildResumeArray(interrupts, responses) } : {}).catch((failure) => {
      error ??= String(failure);
    });
  }
  return { messages: agent.messages, pending: agent.pendingInterrupts, error, posts, events };
}

const read = {};
for (const [name, bodies] of Object.entries(aiSdk)) read[name] = { aiSdk: await readAiSdk(bodies) };
for (const [name, bodies] of Object.entries(agUi)) read[name] = { ...read[name], agUi: await readAgUi(bodies) };
process.stdout.write(JSON.stringify(read));
