/** A self-signed certificate of a server on loopback (X.509 v3, ECDSA with P-256): what TLS is tried with, without openssl. */
import { generateKeyPairSync, sign } from 'node:crypto';

export interface Certificate {
  /** PEM. */
  readonly key: string;
  /** PEM; also its own authority. */
  readonly cert: string;
}

export interface CertificateOptions {
  /** DNS name; default localhost. */
  readonly host?: string;
  /** Default: an hour ago and an hour from now. */
  readonly from?: Date;
  readonly to?: Date;
}

const hourMs = 3_600_000;
const ecdsaWithSha256 = sequence(oid([0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02]));
const commonName = oid([0x55, 0x04, 0x03]);
const subjectAltName = oid([0x55, 0x1d, 0x11]);
const basicConstraints = oid([0x55, 0x1d, 0x13]);

export function selfSigned(options: CertificateOptions = {}): Certificate {
  const { host = 'localhost', from = new Date(Date.now() - hourMs), to = new Date(Date.now() + hourMs) } = options;
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const name = sequence(element(0x31, sequence(commonName, element(0x0c, Buffer.from(host)))));
  const extensions = sequence(
    sequence(basicConstraints, octets(sequence(element(0x01, Buffer.from([0xff]))))),
    sequence(subjectAltName, octets(sequence(element(0x82, Buffer.from(host))))),
  );
  const toBeSigned = sequence(
    element(0xa0, element(0x02, Buffer.from([2]))),
    element(0x02, Buffer.from([1])),
    ecdsaWithSha256,
    name,
    sequence(time(from), time(to)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    element(0xa3, extensions),
  );
  const signature = element(0x03, Buffer.concat([Buffer.from([0]), sign('sha256', toBeSigned, privateKey)]));
  const text = sequence(toBeSigned, ecdsaWithSha256, signature).toString('base64').replace(/.{64}/g, '$&\n');
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    cert: `-----BEGIN CERTIFICATE-----\n${text}\n-----END CERTIFICATE-----\n`,
  };
}

/** DER: tag, length, content. */
function element(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return element(0x30, ...parts);
}

function octets(content: Buffer): Buffer {
  return element(0x04, content);
}

function oid(bytes: readonly number[]): Buffer {
  return element(0x06, Buffer.from(bytes));
}

/** UTCTime, for years before 2050. */
function time(at: Date): Buffer {
  const text = at.toISOString().replaceAll(/[-:T]/g, '').slice(2, 14);
  return element(0x17, Buffer.from(`${text}Z`));
}
