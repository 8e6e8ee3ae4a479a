// The peer: better-auth with its two-factor plugin and its in-memory adapter, behind Node's own HTTP
// server. It makes a few users by its own API, says where it listens and what they need as one line
// of JSON, and serves until it is ended: server.mjs <folder with node_modules> <users>
import { createHmac, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const [folder, userCount] = [process.argv[2], Number(process.argv[3])];
const require = createRequire(pathToFileURL(`${folder}/package.json`));
const load = (name) => import(pathToFileURL(require.resolve(name)));
const { betterAuth } = await load('better-auth');
const { memoryAdapter } = await load('better-auth/adapters/memory');
const { twoFactor } = await load('better-auth/plugins');

const server = createServer();
await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
const baseURL = `http://127.0.0.1:${server.address().port}`;
const auth = betterAuth({
    baseURL,
    secret: randomBytes(32).toString('hex'),
    database: memoryAdapter({ user: [], session: [], account: [], verification: [], twoFactor: [] }),
    emailAndPassword: { enabled: true },
    plugins: [twoFactor()],
    rateLimit: { enabled: false },
    telemetry: { enabled: false },
    logger: { disabled: true },
});

// RFC 6238 with its defaults.
function totp(key) {
    const step = Buffer.alloc(8);
    step.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000)));
    const mac = createHmac('sha1', key).update(step).digest();
    const number = mac.readUInt32BE(mac[19] & 15) & 0x7fffffff;
    return String(number % 1_000_000).padStart(6, '0');
}

function fromBase32(text) {
    let bits = '';
    for (const letter of text.replace(/=+$/, ''))
        bits += 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0');
    return Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
}

const cookieOf = (response, before = '') => {
    const cookies = new Map(before.split('; ').filter(Boolean).map((one) => one.split(/=(.*)/s)));
    for (const line of response.headers.getSetCookie()) {
        const [name, value] = line.split(';')[0].split(/=(.*)/s);
        cookies.set(name, value);
    }
    return [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
};

async function call(path, body, cookie = '') {
    const response = await auth.handler(new Request(`${baseURL}/api/auth${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', origin: baseURL, cookie },
        body: JSON.stringify(body),
    }));
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return response;
}

const users = [];
for (let number = 0; number < userCount; ++number) {
    const password = 'Correct-Horse-7';
    const email = `user${number}@example.org`;
    let cookie = cookieOf(await call('/sign-up/email', { email, password, name: 'Bench' }));
    const enabled = await (await call('/two-factor/enable', { password }, cookie)).json();
    const key = fromBase32(new URL(enabled.totpURI).searchParams.get('secret'));
    cookie = cookieOf(await call('/two-factor/verify-totp', { code: totp(key) }, cookie), cookie);
    users.push({ cookie, key: key.toString('hex') });
}

server.on('request', async (request, reply) => {
    try {
        const pieces = [];
        for await (const piece of request) pieces.push(piece);
        const response = await auth.handler(new Request(baseURL + request.url, {
            method: request.method,
            headers: request.headers,
            body: pieces.length > 0 ? Buffer.concat(pieces) : undefined,
        }));
        const body = Buffer.from(await response.arrayBuffer());
        reply.writeHead(response.status, [
            ...[...response.headers].flat(), 'content-length', String(body.length)]);
        reply.end(body);
    } catch {
        reply.writeHead(500, { 'content-length': '0' }).end();
    }
});
process.on('SIGTERM', () => process.exit(0));
console.log(JSON.stringify({ port: server.address().port, origin: baseURL, users }));
