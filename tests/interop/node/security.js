'use strict';
// What node-soap and xml-crypto know of WS-Security, put to work: messages sealed by their means, and judged by them.
const crypto = require('crypto');
const fs = require('fs');
const { DOMParser } = require('@xmldom/xmldom');
const soap = require('soap');
const { SignedXml } = require('xml-crypto');

const SOAP = 'http://schemas.xmlsoap.org/soap/envelope/';
const DS = 'http://www.w3.org/2000/09/xmldsig#';
const EXCLUSIVE = 'http://www.w3.org/2001/10/xml-exc-c14n#';
const ENVELOPED = DS + 'enveloped-signature';
const SHA256 = 'http://www.w3.org/2001/04/xmlenc#sha256';
const MORE = 'http://www.w3.org/2001/04/xmldsig-more#';
const OASIS = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-';
const MICROSOFT = 'http://schemas.xmlsoap.org/ws/2002/07/';

const DIALECTS = {
  2004: { wsse: OASIS + 'wssecurity-secext-1.0.xsd', wsu: OASIS + 'wssecurity-utility-1.0.xsd' },
  2002: { wsse: MICROSOFT + 'secext', wsu: MICROSOFT + 'utility' },
};
const PARTS = ['Body', 'Timestamp'];
const POLICIES = {
  'digest-2002': { dialect: 2002, password: 'PasswordDigest', covers: [] },
  'digest-2004': { dialect: 2004, password: 'PasswordDigest', covers: [] },
  'text-2004': { dialect: 2004, password: 'PasswordText', covers: [] },
  'timestamp-2004': { dialect: 2004, covers: [] },
  'signed-2002': { dialect: 2002, covers: PARTS },
  'signed': { dialect: 2004, covers: PARTS },
  'digest+signed': { dialect: 2004, password: 'PasswordDigest', covers: [...PARTS, 'UsernameToken'] },
  'compact-signed': { dialect: 2004, covers: ['Envelope'] },
  'hmac': { dialect: 2004, covers: [...PARTS, 'UsernameToken'], derived: true },
};

/** xml-crypto has neither; its README shows how such a class is made. ECDSA values are r and s beside each other. */
class EcdsaSha256 {
  getSignature(data, key) {
    return crypto.sign('sha256', Buffer.from(data), { key, dsaEncoding: 'ieee-p1363' }).toString('base64');
  }
  verifySignature(data, key, value) {
    return crypto.verify('sha256', Buffer.from(data), { key, dsaEncoding: 'ieee-p1363' }, Buffer.from(value, 'base64'));
  }
  getAlgorithmName() { return MORE + 'ecdsa-sha256'; }
}

class HmacSha256 {
  getSignature(data, key) { return crypto.createHmac('sha256', key).update(data).digest('base64'); }
  verifySignature(data, key, value) {
    const expected = crypto.createHmac('sha256', key).update(data).digest();
    const found = Buffer.from(value, 'base64');
    return found.length === expected.length && crypto.timingSafeEqual(found, expected);
  }
  getAlgorithmName() { return MORE + 'hmac-sha256'; }
}

// ---------------------------------------------------------------------------------------------- sealing

/** The security object of node-soap for a policy; `how.options` are that class's own. */
function createSecurity(how) {
  const options = how.options || {};
  const policy = POLICIES[how.policy];
  if (policy.dialect === 2002 && !policy.covers.length) return { toXML: () => digest2002(how) };
  if (!policy.covers.length) return new soap.WSSecurity(how.username, how.password, options);
  const signer = new soap.WSSecurityCert(read(how.key), read(how.certificate), '', options);
  if (crypto.createPrivateKey(read(how.key)).asymmetricKeyType === 'ec') {
    signer.signer.SignatureAlgorithms[MORE + 'ecdsa-sha256'] = EcdsaSha256;
    signer.signer.signatureAlgorithm = MORE + 'ecdsa-sha256';
  }
  if (!policy.password) return signer;
  const token = new soap.WSSecurity(how.username, how.password, { passwordType: policy.password, hasTimeStamp: false });
  return new soap.WSSecurityPlusCert(token, signer);
}

/** As WSE 1.0 wrote it: QNames for values, the Timestamp beside the Security header. */
function digest2002({ username, password }) {
  const { wsse, wsu } = DIALECTS[2002];
  const created = new Date().toISOString().replace(/\.\d+/, '');
  const nonce = crypto.randomBytes(16).toString('base64');
  return `<wsu:Timestamp xmlns:wsu="${wsu}"><wsu:Created>${created}</wsu:Created></wsu:Timestamp>` +
    `<wsse:Security xmlns:wsse="${wsse}" xmlns:wsu="${wsu}" soap:mustUnderstand="1"><wsse:UsernameToken>` +
    `<wsse:Username>${username}</wsse:Username>` +
    `<wsse:Password Type="wsse:PasswordDigest">${soap.passwordDigest(nonce, created, password)}</wsse:Password>` +
    `<wsse:Nonce>${nonce}</wsse:Nonce><wsu:Created>${created}</wsu:Created></wsse:UsernameToken></wsse:Security>`;
}

/** A reply of node-soap's server with the header the policy asks for; node-soap itself adds none but a Timestamp. */
function sealReply(xml, how) {
  if (how.spoil === 'bare') return xml.replace(/<soap:Header>.*?<\/soap:Header>/s, '');
  if (how.replies === 'timestamp-2004') return xml;
  if (how.spoil === 'wrong-password') how = { ...how, password: how.password + '!' };
  const bare = xml.replace(/<soap:Header>.*?<\/soap:Header>/s, '').replace('<soap:Body>', '<soap:Header></soap:Header><soap:Body>');
  const security = createSecurity({ ...how, policy: how.replies, options: how.reply_options });
  const sealed = security.postProcess ? security.postProcess(bare, 'soap')
    : bare.replace('</soap:Header>', security.toXML() + '</soap:Header>');
  return how.spoil === 'tampered' ? sealed.replace(/(result|effective)="./, '$1="x') : sealed;
}

// ---------------------------------------------------------------------------------------------- judging

/** What was found proven about a message, in words. Throws an Error that says what is wrong. */
function prove(xml, how, name, sender) {
  const policy = POLICIES[name];
  const at = places(xml, DIALECTS[policy.dialect]);
  fresh(at.Timestamp, DIALECTS[policy.dialect]);
  const proof = [];
  if (policy.password) proof.push(checkPassword(at.UsernameToken, policy, how));
  if (policy.covers.length) proof.push(checkSignature(xml, at, policy, how, sender));
  return proof.join(', ') || 'fresh';
}

/** The parts of an envelope by position, so that nothing elsewhere in it can stand in for them. */
function places(xml, { wsse, wsu }) {
  const Envelope = new DOMParser().parseFromString(xml).documentElement;
  const Header = only(Envelope, SOAP, 'Header');
  const Security = only(Header, wsse, 'Security');
  const inside = children(Security, wsu, 'Timestamp');
  const Timestamp = inside.length ? inside[0] : only(Header, wsu, 'Timestamp');
  if (inside.length > 1) throw new Error('more than one Timestamp');
  const UsernameToken = children(Security, wsse, 'UsernameToken')[0];
  return { Envelope, Security, Timestamp, UsernameToken, Body: only(Envelope, SOAP, 'Body'), wsse, wsu };
}

const children = (parent, namespace, name) => Array.from(parent.childNodes).filter(
  (node) => node.namespaceURI === namespace && node.localName === name);

function only(parent, namespace, name) {
  const found = children(parent, namespace, name);
  if (found.length !== 1) throw new Error(`not exactly one ${name}`);
  return found[0];
}

function fresh(timestamp, { wsu }) {
  const created = Date.parse(only(timestamp, wsu, 'Created').textContent);
  if (!(Math.abs(Date.now() - created) < 300e3)) throw new Error('not fresh');
}

function checkPassword(token, policy, { username, password }) {
  const { wsse, wsu } = DIALECTS[policy.dialect];
  if (!token || only(token, wsse, 'Username').textContent !== username) throw new Error('not the user');
  const element = only(token, wsse, 'Password');
  if (!new RegExp(`[#:]${policy.password}$`).test(element.getAttribute('Type'))) throw new Error(`not a ${policy.password}`);
  const expected = policy.password === 'PasswordText' ? password : soap.passwordDigest(
    only(token, wsse, 'Nonce').textContent, only(token, wsu, 'Created').textContent, password);
  if (element.textContent !== expected) throw new Error('wrong password');
  return policy.password;
}

/** xml-crypto verifies with the key we trust; that what it verified are the very parts is for the caller to see. */
function checkSignature(xml, at, policy, how, sender) {
  const signature = only(at.Security, DS, 'Signature');
  const verifier = new SignedXml({ publicCert: policy.derived ? derivedKey(at, how.password) : read(how[sender + '_certificate']) });
  verifier.SignatureAlgorithms = policy.derived ? { [MORE + 'hmac-sha256']: HmacSha256 }
    : { [MORE + 'ecdsa-sha256']: EcdsaSha256, [MORE + 'rsa-sha256']: verifier.SignatureAlgorithms[MORE + 'rsa-sha256'] };
  verifier.loadSignature(signature);
  if (!verifier.checkSignature(xml)) throw new Error('a digest does not hold');
  const references = verifier.getReferences();
  const signed = references.map((reference) => reference.uri).sort();
  const expected = policy.covers.map((part) => '#' + at[part].getAttributeNS(at.wsu, 'Id')).sort();
  if (signed.join() !== expected.join()) throw new Error(`covers ${signed}, not ${expected}`);
  const transforms = policy.covers[0] === 'Envelope' ? [ENVELOPED, EXCLUSIVE] : [EXCLUSIVE];
  for (const reference of references) {
    if (reference.transforms.join() !== transforms.join()) throw new Error(`transformed by ${reference.transforms}`);
    if (reference.digestAlgorithm !== SHA256) throw new Error(`digested with ${reference.digestAlgorithm}`);
  }
  return `${verifier.signatureAlgorithm.split('#')[1]} over ${policy.covers.join(', ')}`;
}

/** UsernameToken Profile 1.1, 4: SHA-1 over password and salt, over and over. */
function derivedKey({ UsernameToken, wsse }, password) {
  const wsse11 = 'http://docs.oasis-open.org/wss/oasis-wss-wssecurity-secext-1.1.xsd';
  const salt = Buffer.from(only(UsernameToken, wsse11, 'Salt').textContent, 'base64');
  const rounds = Number(only(UsernameToken, wsse11, 'Iteration').textContent);
  if (!(rounds >= 1000 && rounds <= 100000)) throw new Error('too few or too many iterations');
  let key = Buffer.concat([Buffer.from(password), salt]);
  for (let round = 0; round < rounds; round++) key = crypto.createHash('sha1').update(key).digest();
  return key;
}

const read = (file) => fs.readFileSync(file, 'utf8');

module.exports = { createSecurity, sealReply, prove };
