'use strict';
// node-soap as a peer: its client and its server, told what to do line by line (see interop_peers.py).
const fs = require('fs');
const https = require('https');
const path = require('path');
const readline = require('readline');
const zlib = require('zlib');
const axios = require('axios');
const soap = require('soap');
const { createSecurity, sealReply, prove } = require('./security.js');

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

let client, how, server, waiting = [];

const actions = {
  hello: async () => ({ version: require('soap/package.json').version }),

  async client(asked) {
    how = asked;
    const agent = new https.Agent({ ca: fs.readFileSync(asked.ca), keepAlive: true });
    const request = axios.create({ httpsAgent: agent, proxy: false });
    client = await soap.createClientAsync(asked.wsdl, { request });
    return { ready: true };
  },

  async call({ operation, message }) {
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
      return { reply: fromSoap(reply), proof: prove(client.lastResponse, how, how.replies, 'server') };
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
    if (asked.gzip) server.prependListener('request', (_, response) => compress(response));
    const wsdl = path.join(asked.contract, 'meterpost.wsdl');
    const service = soap.listen(server, {
      path: '/mp',
      services: { [SERVICE.service]: { [SERVICE.port]: port } },
      xml: fs.readFileSync(wsdl, 'utf8'),
      uri: wsdl,
    });
    service.log = (kind, xml, request) => { if (kind === 'received') request.raw = xml; };
    service.authenticate = (security, done, request) => {
      try {
        request.proof = prove(request.raw, how, how.policy, 'client');
        done(true);
      } catch (error) {
        say({ refused: error.message });
        done(false);
      }
    };
    service.on('response', (response) => {
      if (!/:Fault>/.test(response.result)) response.result = sealReply(response.result, how);
    });
    await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
    return { url: `https://127.0.0.1:${server.address().port}/mp` };
  },

  async stop() {
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));
    return { stopped: true };
  },
};

/** node-soap reads gzip and does not write it. */
function compress(response) {
  const end = response.end.bind(response);
  response.end = (body) => {
    response.setHeader('Content-Encoding', 'gzip');
    end(zlib.gzipSync(body));
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
