// The person at the other end of the pipe: the test reads each question, and answers by a line.
import { createInterface } from "node:readline";

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

const ask = async (question) => {
  say(question);
  return (await lines.next()).value;
};

/** What the test told the program. */
export const given = JSON.parse(process.argv[2]);

/** Let the person decide; give where the browser is sent back to. */
export const open = async (url) => new URL(await ask({ open: url }));

/** Let the person type a device's code, and allow the device. */
export const type = (code) => ask({ type: code });

/** Tell the test what was found: the program's last words. */
export const report = (found) => say({ found });

/** Give what a promise is refused with: the server's error, its challenge, or the library's code. */
export const refusal = async (promise) => {
  try {
    await promise;
  } catch (error) {
    const [challenge] = Array.isArray(error.cause) ? error.cause : [];
    const challenged = challenge && (challenge.parameters.error ?? `${error.status} ${challenge.scheme}`);
    return error.error ?? challenged ?? error.code ?? String(error);
  }
  return "nothing was refused";
};

/** Give a URL of the same kind with other parameters; undefined leaves one out. */
export const changed = (url, parameters) => {
  const other = new URL(url);
  for (const [name, value] of Object.entries(parameters)) {
    if (value === undefined) other.searchParams.delete(name);
    else other.searchParams.set(name, value);
  }
  return other;
};
