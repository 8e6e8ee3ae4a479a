// Reads the mails that write_mails wrote with npm's mailparser and htmlparser2, which know nothing
// of how they were made, and holds them against expected.json.
// Usage: NODE_PATH=… node read_mails.js DIRECTORY
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { simpleParser } = require('mailparser');
const { Splitter } = require('@zone-eu/mailsplit');
const { Parser } = require('htmlparser2');

const headers = [
    'message-id', 'date', 'from', 'to', 'subject', 'mime-version', 'auto-submitted',
    'x-auto-response-suppress', 'content-type'
];
const elements = new Set([
    'html', 'head', 'meta', 'title', 'base', 'style', 'body', 'div', 'h1', 'p', 'table', 'tr', 'th',
    'td', 'a', 'br', 'bdi'
]);
const attributes = new Set([
    'lang', 'dir', 'charset', 'name', 'content', 'target', 'class', 'role', 'href'
]);
const lineMax = 998; // RFC 5322 section 2.1.1
const sizeMax = 64 * 1024;

function checkBytes(raw) {
    assert.ok(raw.length < sizeMax, `${raw.length} bytes`);
    assert.equal(raw.includes(0), false, 'a NUL');
    let start = 0;
    for (let at = 0; at < raw.length; ++at) {
        if (raw[at] === 0x0d) assert.equal(raw[at + 1], 0x0a, `a bare CR at ${at}`);
        if (raw[at] !== 0x0a) continue;
        assert.equal(raw[at - 1], 0x0d, `a bare LF at ${at}`);
        assert.ok(at - 1 - start <= lineMax, `a line of ${at - 1 - start} octets`);
        start = at + 1;
    }
    assert.equal(start, raw.length, 'the last line has no end');
}

// The parts as the splitter sees them.
function partsOf(raw) {
    return new Promise((resolve, reject) => {
        const parts = [];
        const splitter = new Splitter();
        splitter.on('data', piece => {
            if (piece.type === 'node') parts.push(`${piece.contentType}; ${piece.charset || ''}`);
        });
        splitter.on('error', reject);
        splitter.on('end', () => resolve(parts));
        splitter.end(raw);
    });
}

function checkHead(mail, expected) {
    const found = mail.headerLines.map(line => line.key);
    assert.deepEqual([...found].sort(), [...headers].sort());
    assert.equal(mail.cc, undefined);
    assert.equal(mail.bcc, undefined);
    assert.deepEqual(mail.from.value, [{ address: expected.from, name: expected.fromName }]);
    assert.deepEqual(mail.to.value, [{ address: expected.to, name: '' }]);
    assert.equal(mail.subject, expected.subject);
    assert.equal(mail.subject.includes(expected.secret), false, 'the code is in the subject');
    assert.match(mail.messageId, /^<[0-9a-f]{32}\.[0-9a-f]{8}@countersign\.example>$/);
    assert.equal(mail.date.getTime(), Math.floor(Date.parse(expected.date) / 1000) * 1000);
    assert.equal(mail.headers.get('auto-submitted'), 'auto-generated');
    assert.deepEqual(mail.attachments, []);
}

const withoutIsolates = text => text.replace(/[\u2068\u2069]/g, '');

function checkText(text, expected) {
    const said = withoutIsolates(text);
    assert.ok(said.includes(expected.heading), 'the text lacks the heading');
    assert.ok(said.includes(expected.advice), 'the text lacks the advice');
    assert.doesNotMatch(said, /^(bcc|subject|hostile)\b/im, 'a value began a line of its own');
    assert.doesNotMatch(said, /[\0-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066\u2067]/);
    for (const url of said.match(/https?:[^\s]+/g) || []) {
        assert.ok(url.startsWith(expected.baseUri), `the text leads to ${url}`);
    }
}

function checkHtml(html, expected) {
    let shown = '';
    let language;
    let hidden = 0; // inside an element that is not shown
    const parser = new Parser({
        onopentag(name, given) {
            assert.ok(elements.has(name), `the HTML has the element ${name}`);
            for (const [attribute, value] of Object.entries(given)) {
                assert.ok(attributes.has(attribute), `the HTML has the attribute ${attribute}`);
                if (attribute === 'href') {
                    assert.equal(name, 'a');
                    assert.ok(value.startsWith(expected.baseUri), `the HTML leads to ${value}`);
                }
            }
            if (name === 'html') language = given.lang;
            if (name === 'title' || name === 'style') ++hidden;
        },
        onclosetag(name) {
            if (name === 'title' || name === 'style') --hidden;
        },
        oncomment() {
            assert.fail('the HTML has a comment');
        },
        ontext(text) {
            if (!hidden) shown += text;
        }
    });
    parser.end(html);
    assert.equal(language, expected.language);
    assert.ok(shown.includes(expected.heading), 'the HTML lacks the heading');
    assert.ok(shown.includes(expected.advice), 'the HTML lacks the advice');
    assert.doesNotMatch(html, /url\(|@import/i, 'the HTML loads something');
}

async function check(directory, expected) {
    const raw = fs.readFileSync(path.join(directory, expected.file));
    checkBytes(raw);
    assert.deepEqual(await partsOf(raw), [
        'multipart/alternative; ', 'text/plain; utf-8', 'text/html; utf-8'
    ]);
    const mail = await simpleParser(raw, { skipHtmlToText: true, skipTextToHtml: true });
    checkHead(mail, expected);
    checkText(mail.text, expected);
    checkHtml(mail.html, expected);
}

async function main(directory) {
    const all = JSON.parse(fs.readFileSync(path.join(directory, 'expected.json')));
    assert.ok(all.length > 0, 'there is no mail');
    let bad = 0;
    for (const expected of all) {
        try {
            await check(directory, expected);
        } catch (error) {
            if (++bad <= 10) console.error(`${expected.file}: ${error.message}`);
        }
    }
    console.log(`${all.length} mails were read, ${bad} are not as they shall be`);
    process.exitCode = bad === 0 ? 0 : 1;
}

main(process.argv[2]);
