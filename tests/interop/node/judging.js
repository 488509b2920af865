'use strict';
// Messages judged by xml-crypto and Node's own means, as a careful peer would: parts by position, keys from files.
const crypto = require('crypto');
const { DOMParser } = require('@xmldom/xmldom');
const soap = require('soap');
const { SignedXml } = require('xml-crypto');
const { URI, DIALECTS, POLICIES, EcdsaSha256, HmacSha256, derive, read } = require('./policies.js');

/** What was found proven about a message, in words. Throws an Error that says what is wrong. */
function prove(xml, how, name, sender) {
  const policy = POLICIES[name];
  const at = places(xml, DIALECTS[policy.dialect]);
  const created = Date.parse(only(at.Timestamp, at.wsu, 'Created').textContent);
  if (!(Math.abs(Date.now() - created) < 300e3)) throw new Error('not fresh');
  const proof = [];
  if (policy.password) proof.push(checkPassword(at, policy, how));
  if (policy.covers.length) proof.push(checkSignature(xml, at, policy, how, sender));
  return proof.join(', ') || 'fresh';
}

/** The parts of an envelope by position, so that nothing elsewhere in it can stand in for them. */
function places(xml, { wsse, wsu }) {
  const Envelope = new DOMParser().parseFromString(xml).documentElement;
  const Header = only(Envelope, URI.SOAP, 'Header');
  const Security = only(Header, wsse, 'Security');
  const Timestamp = only(children(Security, wsu, 'Timestamp').length ? Security : Header, wsu, 'Timestamp');
  const UsernameToken = children(Security, wsse, 'UsernameToken')[0];
  return { Envelope, Security, Timestamp, UsernameToken, Body: only(Envelope, URI.SOAP, 'Body'), wsse, wsu };
}

const children = (parent, namespace, name) => Array.from(parent.childNodes).filter(
  (node) => node.namespaceURI === namespace && node.localName === name);

function only(parent, namespace, name) {
  const found = children(parent, namespace, name);
  if (found.length !== 1) throw new Error(`not exactly one ${name}`);
  return found[0];
}

function checkPassword({ UsernameToken, wsse, wsu }, policy, { username, password }) {
  if (!UsernameToken || only(UsernameToken, wsse, 'Username').textContent !== username) throw new Error('not the user');
  const said = (namespace, name) => only(UsernameToken, namespace, name).textContent;
  const type = only(UsernameToken, wsse, 'Password').getAttribute('Type');
  if (type !== DIALECTS[policy.dialect].type + policy.password && policy.dialect === 2004) throw new Error(`not a ${policy.password}`);
  const expected = policy.password === 'PasswordText' ? password
    : soap.passwordDigest(said(wsse, 'Nonce'), said(wsu, 'Created'), password);
  if (said(wsse, 'Password') !== expected) throw new Error('wrong password');
  return policy.password;
}

/** xml-crypto verifies with the key we trust; that what it verified are the very parts is for its caller to see. */
function checkSignature(xml, at, policy, how, sender) {
  const key = policy.derived ? derivedKey(at, how.password) : read(how[sender + '_certificate']);
  const verifier = new SignedXml({ publicCert: key });
  verifier.SignatureAlgorithms = policy.derived ? { [URI.HMAC]: HmacSha256 }
    : { [URI.ECDSA]: EcdsaSha256, [URI.RSA]: verifier.SignatureAlgorithms[URI.RSA] };
  verifier.loadSignature(only(at.Security, URI.DS, 'Signature'));
  if (!verifier.checkSignature(xml)) throw new Error('a digest does not hold');
  const references = verifier.getReferences();
  const signed = references.map((reference) => reference.uri).sort();
  const expected = policy.covers.map((part) => '#' + at[part].getAttributeNS(at.wsu, 'Id')).sort();
  if (signed.join() !== expected.join()) throw new Error(`covers ${signed}, not ${expected}`);
  const transforms = policy.covers[0] === 'Envelope' ? [URI.ENVELOPED, URI.EXCLUSIVE] : [URI.EXCLUSIVE];
  for (const reference of references) {
    if (reference.transforms.join() !== transforms.join()) throw new Error(`transformed by ${reference.transforms}`);
    if (reference.digestAlgorithm !== URI.SHA256) throw new Error(`digested with ${reference.digestAlgorithm}`);
  }
  return `${verifier.signatureAlgorithm.split('#')[1]} over ${policy.covers.join(', ')}`;
}

function derivedKey({ UsernameToken }, password) {
  const rounds = Number(only(UsernameToken, URI.WSSE11, 'Iteration').textContent);
  if (!(rounds >= 1000 && rounds <= 100000)) throw new Error('too few or too many iterations');
  return derive(password, Buffer.from(only(UsernameToken, URI.WSSE11, 'Salt').textContent, 'base64'), rounds);
}

/** The message with its Body's content in the clear. The signature was checked over what was encrypted. A request brings
 *  its key, which stays in `how.content`; a reply is encrypted with that. */
function decrypt(xml, how) {
  const at = places(xml, DIALECTS[2004]);
  const data = only(at.Body, URI.XENC, 'EncryptedData');
  demand(data, URI.GCM);
  if (how.decrypt_key) {
    const wrapped = only(at.Security, URI.XENC, 'EncryptedKey');
    demand(wrapped, URI.OAEP);
    const own = { key: read(how.decrypt_key), padding: crypto.constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha1' };
    how.content = { key: crypto.privateDecrypt(own, octets(wrapped)), wrapped: octets(wrapped) };
  }
  const sealed = octets(data);
  const cipher = crypto.createDecipheriv('aes-256-gcm', how.content.key, sealed.subarray(0, 12));
  cipher.setAuthTag(sealed.subarray(-16));
  const plain = Buffer.concat([cipher.update(sealed.subarray(12, -16)), cipher.final()]).toString();
  return xml.replace(/<(\w+):EncryptedData[^]*<\/\1:EncryptedData>/, () => plain);
}

function demand(element, algorithm) {
  if (only(element, URI.XENC, 'EncryptionMethod').getAttribute('Algorithm') !== algorithm) throw new Error(`not ${algorithm}`);
}

function octets(element) {
  const value = only(only(element, URI.XENC, 'CipherData'), URI.XENC, 'CipherValue');
  return Buffer.from(value.textContent, 'base64');
}

module.exports = { prove, decrypt };
