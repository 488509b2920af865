'use strict';
// Messages sealed: by node-soap's own security objects where it has one, by hand and xml-crypto where it has none.
const crypto = require('crypto');
const soap = require('soap');
const { SignedXml } = require('xml-crypto');
const { URI, DIALECTS, POLICIES, EcdsaSha256, HmacSha256, derive, read } = require('./policies.js');

const STOCK = ['digest-2004', 'text-2004', 'signed', 'digest+signed'];
const ITERATIONS = 1000;
const TAMPERED = { 'time="20': 'time="19', '<xenc:EncryptedData': '<xenc:EncryptedData MimeType="a"' };

/** A security object for client.setSecurity(); `how.options` are those of node-soap's class. */
function createSecurity(how) {
  if (!STOCK.includes(how.policy)) return { postProcess: (xml) => sealByHand(xml, how) };
  const options = how.options || {};
  const { covers, password } = POLICIES[how.policy];
  if (!covers.length) return new soap.WSSecurity(how.username, how.password, options);
  const signer = new soap.WSSecurityCert(read(how.sign_key), read(how.sign_certificate), '', options);
  if (isEc(how.sign_key)) {
    signer.signer.SignatureAlgorithms[URI.ECDSA] = EcdsaSha256;
    signer.signer.signatureAlgorithm = URI.ECDSA;
  }
  if (!password) return signer;
  const token = new soap.WSSecurity(how.username, how.password, { passwordType: password, hasTimeStamp: false });
  return new soap.WSSecurityPlusCert(token, signer);
}

/** A reply of node-soap's server with the header the policy asks for; node-soap itself adds none but a Timestamp. */
function sealReply(xml, how) {
  const bare = xml.replace(/<soap:Header>.*?<\/soap:Header>/s, '');
  if (how.spoil === 'bare') return bare;
  if (how.replies === 'timestamp-2004') return xml;
  const password = how.password + (how.spoil === 'wrong-password' ? '!' : '');
  const security = createSecurity({ ...how, policy: how.replies, options: how.reply_options, password });
  const headed = bare.replace('<soap:Body>', '<soap:Header></soap:Header><soap:Body>');
  const sealed = security.postProcess ? security.postProcess(headed, 'soap')
    : headed.replace('</soap:Header>', security.toXML() + '</soap:Header>');
  return how.spoil === 'tampered' ? sealed.replace(/time="20|<xenc:EncryptedData/, (found) => TAMPERED[found]) : sealed;
}

/** As WSE 1.0 wrote it in the draft dialect, with QNames for values and the Timestamp beside the Security header. */
function sealByHand(xml, how) {
  const policy = POLICIES[how.policy];
  const { wsse, wsu } = DIALECTS[policy.dialect];
  const created = new Date().toISOString().replace(/\.\d+/, '');
  const timestamp = `<wsu:Timestamp wsu:Id="T"><wsu:Created>${created}</wsu:Created></wsu:Timestamp>`;
  const [beside, inside] = policy.dialect === 2002 ? [timestamp, ''] : ['', timestamp];
  const nonce = crypto.randomBytes(16);
  nonce[0] = 1;  // as a Salt: it makes a key that signs
  const security = `<wsse:Security soap:mustUnderstand="1">${inside}${token(policy, how, created, nonce)}</wsse:Security>`;
  const sealed = xml.replace('<soap:Envelope ', `<soap:Envelope wsu:Id="E" xmlns:wsse="${wsse}" xmlns:wsu="${wsu}" `)
    .replace('<soap:Body>', '<soap:Body wsu:Id="B">')
    .replace('</soap:Header>', `${beside}${security}</soap:Header>`);
  if (policy.encrypted) return sign(encrypt(sealed, how), policy, how, nonce);
  return policy.covers.length ? sign(sealed, policy, how, nonce) : sealed;
}

/** The Body's content encrypted: for the holder of a certificate, its key in the header, or with the key that was sent. */
function encrypt(xml, how) {
  const fresh = !how.content;
  if (fresh) how.content = contentKey(how.encrypt_to);
  const iv = crypto.randomBytes(12);
  const cipher = crypto.createCipheriv('aes-256-gcm', how.content.key, iv);
  const info = (inside) => `<ds:KeyInfo xmlns:ds="${URI.DS}">${inside}</ds:KeyInfo>`;
  const list = `<xenc:ReferenceList xmlns:xenc="${URI.XENC}"><xenc:DataReference URI="#C"/></xenc:ReferenceList>`;
  const header = fresh ? encrypted('EncryptedKey', '', URI.OAEP, info(byIssuer(how.encrypt_to)), how.content.wrapped, list) : list;
  const named = fresh ? '' : info(pointer(`<wsse:KeyIdentifier ValueType="${URI.ENCRYPTED_KEY}">` +
    `${crypto.createHash('sha1').update(how.content.wrapped).digest('base64')}</wsse:KeyIdentifier>`));
  return xml.replace(/(<soap:Body[^>]*>)([^]*)(<\/soap:Body>)/, (_, open, content, close) => {
    const octets = Buffer.concat([iv, cipher.update(content), cipher.final(), cipher.getAuthTag()]);
    return open + encrypted('EncryptedData', ` Id="C" Type="${URI.XENC}Content"`, URI.GCM, named, octets, '') + close;
  }).replace('</wsse:Security>', () => header + '</wsse:Security>');
}

function contentKey(certificate) {
  const key = crypto.randomBytes(32);
  const padding = crypto.constants.RSA_PKCS1_OAEP_PADDING;
  return { key, wrapped: crypto.publicEncrypt({ key: read(certificate), padding, oaepHash: 'sha1' }, key) };
}

function encrypted(name, attributes, algorithm, info, octets, list) {
  return `<xenc:${name} xmlns:xenc="${URI.XENC}"${attributes}><xenc:EncryptionMethod Algorithm="${algorithm}"/>${info}` +
    `<xenc:CipherData><xenc:CipherValue>${octets.toString('base64')}</xenc:CipherValue></xenc:CipherData>${list}</xenc:${name}>`;
}

function token(policy, { username, password }, created, nonce) {
  const { type, encoding } = DIALECTS[policy.dialect];
  const written = nonce.toString('base64');
  const shown = policy.derived
    ? `<k:Salt xmlns:k="${URI.WSSE11}">${written}</k:Salt><k:Iteration xmlns:k="${URI.WSSE11}">${ITERATIONS}</k:Iteration>`
    : `<wsse:Password Type="${type}PasswordDigest">${soap.passwordDigest(written, created, password)}</wsse:Password>` +
      `<wsse:Nonce${encoding}>${written}</wsse:Nonce><wsu:Created>${created}</wsu:Created>`;
  if (!policy.derived && !policy.password) return '';
  return `<wsse:UsernameToken wsu:Id="U"><wsse:Username>${username}</wsse:Username>${shown}</wsse:UsernameToken>`;
}

function sign(xml, policy, how, salt) {
  const algorithm = policy.derived ? URI.HMAC : isEc(how.sign_key) ? URI.ECDSA : URI.RSA;
  const signer = new SignedXml({
    privateKey: policy.derived ? derive(how.password, salt, ITERATIONS) : read(how.sign_key),
    signatureAlgorithm: algorithm,
    canonicalizationAlgorithm: URI.EXCLUSIVE,
    getKeyInfoContent: () => keyName(policy, how),
  });
  Object.assign(signer.SignatureAlgorithms, { [URI.ECDSA]: EcdsaSha256, [URI.HMAC]: HmacSha256 });
  const whole = policy.covers[0] === 'Envelope';
  for (const part of policy.covers) {
    const path = { Envelope: '/*', Body: '/*/*[local-name()="Body"]' }[part] || `/*/*[1]//*[local-name()="${part}"]`;
    signer.addReference({ xpath: path, transforms: whole ? [URI.ENVELOPED, URI.EXCLUSIVE] : [URI.EXCLUSIVE], digestAlgorithm: URI.SHA256 });
  }
  signer.computeSignature(xml, {
    prefix: 'ds',
    location: { reference: '/*/*[1]/*[local-name()="Security"]', action: 'append' },
    existingPrefixes: { wsse: DIALECTS[policy.dialect].wsse },
  });
  return signer.getSignedXml();
}

/** The certificate by issuer and serial number, the UsernameToken by its Id; a compact message names none. */
function keyName(policy, how) {
  if (policy.covers[0] === 'Envelope') return null;
  if (policy.derived) return pointer(`<wsse:Reference URI="#U" ValueType="${URI.USERNAME_TOKEN}"/>`);
  return byIssuer(how.sign_certificate);
}

function byIssuer(file) {
  const certificate = new crypto.X509Certificate(read(file));
  return pointer('<ds:X509Data><ds:X509IssuerSerial>' +
    `<ds:X509IssuerName>${certificate.issuer.split('\n').reverse().join(', ')}</ds:X509IssuerName>` +
    `<ds:X509SerialNumber>${BigInt('0x' + certificate.serialNumber)}</ds:X509SerialNumber>` +
    '</ds:X509IssuerSerial></ds:X509Data>');
}

const pointer = (inside) => `<wsse:SecurityTokenReference>${inside}</wsse:SecurityTokenReference>`;

const isEc = (key) => crypto.createPrivateKey(read(key)).asymmetricKeyType === 'ec';

module.exports = { createSecurity, sealReply };
