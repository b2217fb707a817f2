// node-casbin in a process of its own; speaks the protocol of benchmarks/worker.py.
"use strict";

const fs = require("node:fs");
const readline = require("node:readline");
const { createRequire } = require("node:module");

// The packages live where `npm ci` put them, away from this file.
const { newEnforcer } = createRequire(process.cwd() + "/")("casbin");

const residentMib = (field) =>
  Number(fs.readFileSync("/proc/self/status", "ascii").match(new RegExp(`${field}:\\s+(\\d+)`))[1]) / 1024;
const collect = () => globalThis.gc && globalThis.gc();
const onTheClock = (from) => Number(process.hrtime.bigint() - from) / 1e9;
// Processor seconds of all threads, as in worker.py.
const spent = () => process.cpuUsage();
const seconds = (from) => {
  const { user, system } = process.cpuUsage(from);
  return (user + system) / 1e6;
};

let enforcer;
const asked = {};
const words = (request) => request.slice(0, 4);

const verbs = {
  async load({ model, policy, first }) {
    collect();
    const before = residentMib("VmRSS");
    const start = spent();
    enforcer = await newEnforcer(model, policy);
    enforcer.enforceSync(...words(first));
    const took = seconds(start);
    collect();
    return { seconds: took, mib: residentMib("VmRSS") - before, peak_mib: residentMib("VmHWM") - before };
  },
  give({ kind, requests }) {
    asked[kind] = requests.map(words);
    return { prepared: requests.length };
  },
  answers({ kind, seconds: limit }) {
    const start = process.hrtime.bigint();
    const answers = [];
    for (const request of asked[kind]) {
      answers.push(enforcer.enforceSync(...request));
      if (onTheClock(start) > limit) break;
    }
    return { answers };
  },
  time({ kind, calls, skip }) {
    const requests = asked[kind];
    const start = spent();
    for (let call = 0; call < calls; call++) enforcer.enforceSync(...requests[(skip + call) % requests.length]);
    return { seconds: seconds(start) };
  },
};

const answer = (value) => process.stdout.write(JSON.stringify(value) + "\n");
// One command at a time: the parent waits for each answer.
readline.createInterface({ input: process.stdin }).on("line", async (line) => {
  const { do: verb, ...command } = JSON.parse(line);
  answer(await verbs[verb](command));
});
answer({ ready: true });
