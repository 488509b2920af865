'use strict';
// What both sealing and judging know: namespaces, policies, and the two algorithms xml-crypto lacks.
const crypto = require('crypto');
const fs = require('fs');

const DS = 'http://www.w3.org/2000/09/xmldsig#';
const MORE = 'http://www.w3.org/2001/04/xmldsig-more#';
const OASIS = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-';
const MICROSOFT = 'http://schemas.xmlsoap.org/ws/2002/07/';
const XENC = 'http://www.w3.org/2001/04/xmlenc#';

const URI = {
  SOAP: 'http://schemas.xmlsoap.org/soap/envelope/',
  DS,
  XENC,
  EXCLUSIVE: 'http://www.w3.org/2001/10/xml-exc-c14n#',
  ENVELOPED: DS + 'enveloped-signature',
  SHA256: XENC + 'sha256',
  RSA: MORE + 'rsa-sha256',
  ECDSA: MORE + 'ecdsa-sha256',
  HMAC: MORE + 'hmac-sha256',
  GCM: 'http://www.w3.org/2009/xmlenc11#aes256-gcm',
  OAEP: XENC + 'rsa-oaep-mgf1p',
  WSSE11: 'http://docs.oasis-open.org/wss/oasis-wss-wssecurity-secext-1.1.xsd',
  ENCRYPTED_KEY: 'http://docs.oasis-open.org/wss/oasis-wss-soap-message-security-1.1#EncryptedKeySHA1',
  USERNAME_TOKEN: OASIS + 'username-token-profile-1.0#UsernameToken',
};

const DIALECTS = {
  2004: {
    wsse: OASIS + 'wssecurity-secext-1.0.xsd',
    wsu: OASIS + 'wssecurity-utility-1.0.xsd',
    type: OASIS + 'username-token-profile-1.0#',
    encoding: ` EncodingType="${OASIS}soap-message-security-1.0#Base64Binary"`,
  },
  2002: { wsse: MICROSOFT + 'secext', wsu: MICROSOFT + 'utility', type: 'wsse:', encoding: '' },
};

const PARTS = ['Body', 'Timestamp'];
const TOKEN = 'UsernameToken';
const POLICIES = {
  'digest-2002': { dialect: 2002, password: 'PasswordDigest', covers: [] },
  'digest-2004': { dialect: 2004, password: 'PasswordDigest', covers: [] },
  'text-2004': { dialect: 2004, password: 'PasswordText', covers: [] },
  'timestamp-2004': { dialect: 2004, covers: [] },
  'signed-2002': { dialect: 2002, covers: PARTS },
  'signed': { dialect: 2004, covers: PARTS },
  'digest+signed': { dialect: 2004, password: 'PasswordDigest', covers: [...PARTS, TOKEN] },
  'compact-signed': { dialect: 2002, covers: ['Envelope'] },
  'hmac': { dialect: 2004, covers: [...PARTS, TOKEN], derived: true },
  'signed+encrypted': { dialect: 2004, covers: PARTS, encrypted: true },
};

/** xml-crypto has neither; its README shows how such a class is made. An ECDSA value is r and s beside each other.
 *  WSSecurityCert hands the private key over with its passphrase, xml-crypto as it is. */
class EcdsaSha256 {
  getSignature(data, key) {
    return crypto.sign('sha256', Buffer.from(data), { key: key.key || key, dsaEncoding: 'ieee-p1363' }).toString('base64');
  }
  verifySignature(data, key, value) {
    return crypto.verify('sha256', Buffer.from(data), { key, dsaEncoding: 'ieee-p1363' }, Buffer.from(value, 'base64'));
  }
  getAlgorithmName() { return URI.ECDSA; }
}

class HmacSha256 {
  getSignature(data, key) { return crypto.createHmac('sha256', key).update(data).digest('base64'); }
  verifySignature(data, key, value) {
    const expected = crypto.createHmac('sha256', key).update(data).digest();
    const found = Buffer.from(value, 'base64');
    return found.length === expected.length && crypto.timingSafeEqual(found, expected);
  }
  getAlgorithmName() { return URI.HMAC; }
}

/** UsernameToken Profile 1.1, 4: SHA-1 over password and salt, over and over. */
function derive(password, salt, rounds) {
  let key = Buffer.concat([Buffer.from(password), salt]);
  for (let round = 0; round < rounds; round++) key = crypto.createHash('sha1').update(key).digest();
  return key;
}

const read = (file) => fs.readFileSync(file, 'utf8');

module.exports = { URI, DIALECTS, POLICIES, EcdsaSha256, HmacSha256, derive, read };
