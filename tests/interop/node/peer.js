'use strict';
// node-soap as a peer: its client and its server, told what to do line by line (see interop_peers.py).
const crypto = require('crypto');
const fs = require('fs');
const https = require('https');
const path = require('path');
const readline = require('readline');
const zlib = require('zlib');
const axios = require('axios');
const soap = require('soap');
const { prove, decrypt } = require('./judging.js');
const { POLICIES } = require('./policies.js');
const { createSecurity, sealReply } = require('./sealing.js');

const SERVICE = { service: 'Meterpost', port: 'MeterpostSoap' };
const OPERATIONS = ['RegisterProxy', 'RegisterProxyDevices', 'SyncProxy', 'SyncProxyStatus', 'BillingTransaction'];

const say = (said) => process.stdout.write(JSON.stringify(said) + '\n');

/** A JSON message as node-soap writes it: facts are attributes, lists are child elements. */
function toSoap(message) {
  const built = { attributes: {} };
  for (const [name, value] of Object.entries(message)) {
    if (Array.isArray(value)) built[name] = value.map(toSoap);
    else if (value !== null && typeof value === 'object') built[name] = toSoap(value);
    else if (value !== null) built.attributes[name] = value;
  }
  return built;
}

/** And back. node-soap gives a single child as an object, several as a list. */
function fromSoap(built) {
  const message = { ...(built && built.attributes) };
  for (const [name, value] of Object.entries(built || {})) {
    if (name !== 'attributes') message[name] = [].concat(value).map(fromSoap);
  }
  return message;
}

let client, how, raw, server, waiting = [];

const actions = {
  hello: async () => ({ version: require('soap/package.json').version }),

  async client(asked) {
    how = asked;
    const agent = new https.Agent({ ca: fs.readFileSync(asked.ca), keepAlive: true });
    const request = axios.create({ httpsAgent: agent, proxy: false });
    request.interceptors.request.use((config) => {  // node-soap's forceGzip announces the length before compressing
      if (Buffer.isBuffer(config.data)) config.headers['Content-Length'] = config.data.length;
      return config;
    });
    request.interceptors.response.use((response) => {
      raw = response.data;
      if (String(raw).includes(':EncryptedData')) response.data = decrypt(raw, how);
      return response;
    });
    client = await soap.createClientAsync(asked.wsdl, { request });
    return { ready: true };
  },

  /** A key of its own: the point to be registered, and the proof that it has it. */
  async key({ client: id, file }) {
    const pair = crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' });
    fs.writeFileSync(file, pair.privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
    const point = pair.publicKey.export({ type: 'spki', format: 'der' }).subarray(-65);
    const key = crypto.ECDH.convertKey(point, 'prime256v1', undefined, 'base64', 'compressed');
    const proof = crypto.sign('sha256', Buffer.from(`${id} ${key}`), { key: pair.privateKey, dsaEncoding: 'ieee-p1363' });
    return { key, proof: proof.toString('base64') };
  },

  async call({ operation, message }) {
    delete how.content;
    client.setSecurity(createSecurity(how));
    const options = { forceGzip: Boolean(how.gzip) };
    if (how.tamper) options.postProcess = (xml) => xml.replace(how.tamper[0], how.tamper[1]);
    let reply;
    try {
      [reply] = await client[operation + 'Async'](toSoap(message), options);
    } catch (error) {
      const fault = error.root && error.root.Envelope && error.root.Envelope.Body && error.root.Envelope.Body.Fault;
      if (!fault) throw error;
      return { fault: { code: String(fault.faultcode).split(':').pop(), text: String(fault.faultstring) } };
    }
    try {
      return { reply: fromSoap(reply), proof: prove(raw, how, how.replies, 'server') };
    } catch (error) {
      return { fault: { code: 'not-believed', text: error.message } };
    }
  },

  async serve(asked) {
    how = asked;
    const port = {};
    for (const operation of OPERATIONS) {
      port[operation] = (args, callback, headers, request) => {
        waiting.push((answer) => callback(toSoap(answer)));
        say({ asked: operation, message: fromSoap(args), proof: request.proof });
      };
    }
    server = https.createServer({ cert: fs.readFileSync(asked.certificate), key: fs.readFileSync(asked.key) });
    const wsdl = path.join(asked.contract, 'meterpost.wsdl');
    const service = await new Promise((ready) => {
      const started = soap.listen(server, {
        path: '/mp',
        services: { [SERVICE.service]: { [SERVICE.port]: port } },
        xml: fs.readFileSync(wsdl, 'utf8'),
        uri: wsdl,
        callback: () => ready(started),
      });
    });
    service.authenticate = (security, done, request) => done(Boolean(request.proof));
    service.on('response', (response) => {
      if (!/:Fault>/.test(response.result)) response.result = sealReply(response.result, how);
    });
    const [listener] = server.listeners('request');
    server.removeAllListeners('request').on('request', (request, response) => judged(request, response, listener));
    await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
    return { url: `https://127.0.0.1:${server.address().port}/mp` };
  },

  async stop() {
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));
    return { stopped: true };
  },
};

/** The message is read and judged as it came, and only then is it node-soap's, in the clear. */
async function judged(request, response, listener) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const coded = request.headers['content-encoding'] === 'gzip';
  const octets = Buffer.concat(chunks);
  let xml = String(coded ? zlib.gunzipSync(octets) : octets);
  try {
    request.proof = prove(xml, how, how.policy, 'client') + (coded ? ', gzip' : '');
    if (POLICIES[how.policy].encrypted) xml = decrypt(xml, how);
  } catch (error) {
    delete request.proof;
    say({ refused: error.message });
  }
  if (coded) compress(response);
  request.body = xml;
  listener(request, response);
}

/** node-soap does not write gzip. */
function compress(response) {
  const end = response.end.bind(response);
  const parts = [];
  response.write = (part) => parts.push(part);
  response.end = (part) => {
    response.setHeader('Content-Encoding', 'gzip');
    end(zlib.gzipSync(parts.concat(part || '').join('')));
  };
}

readline.createInterface({ input: process.stdin }).on('line', async (line) => {
  const asked = JSON.parse(line);
  if (asked.answer) return waiting.shift()(asked.answer);
  try {
    say(await actions[asked.do](asked));
  } catch (error) {
    say({ broken: error.stack });
  }
}).on('close', () => process.exit(0));
