"""A GlobalPlatform key manager with SCP03, written after the specifications alone:
GPC_SPE_034 v2.3.1 (commands, data objects) and GPC_SPE_014 v1.1.2 (SCP03, S8 mode).

    keymanager.py READER KEY ACTION...

KEY is the static key, hex, for all of ENC, MAC and DEK. The actions are carried out
one after the other on one connection; each says on a line what it found. The order
in which GlobalPlatformPro asks a card for its contents is

    discover select data:9F7F data:0066 data:0067 data:00E0 open:0:01 status:80 ...
"""

import os
import sys

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.cmac import CMAC
from smartcard.CardConnection import CardConnection
from smartcard.scard import SCARD_RESET_CARD
from smartcard.System import readers


def cmac(key, data):
    c = CMAC(algorithms.AES(key))
    c.update(data)
    return c.finalize()


def aes_block(key, block):
    e = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
    return e.update(block) + e.finalize()


def cbc(key, iv, data, decrypt=False):
    cipher = Cipher(algorithms.AES(key), modes.CBC(iv))
    c = cipher.decryptor() if decrypt else cipher.encryptor()
    return c.update(data) + c.finalize()


def derive(key, constant, context, bits):
    """GPC_SPE_014, 4.1.5: NIST SP 800-108 in counter mode, one or two blocks."""
    out = b""
    for counter in range(1, (bits + 127) // 128 + 1):
        out += cmac(key, bytes(11) + bytes([constant, 0]) + bits.to_bytes(2, "big") + bytes([counter]) + context)
    return out[: bits // 8]


def pad(data):
    data += b"\x80"
    return data + bytes(-len(data) % 16)


def unpad(data):
    data = data.rstrip(b"\x00")
    if not data.endswith(b"\x80"):
        raise SystemExit("the response is not padded")
    return data[:-1]


def tlv(data):
    """BER-TLV objects of data, as (tag in hex, value)."""
    out, i = [], 0
    while i < len(data):
        start = i
        i += 1
        if data[start] & 0x1F == 0x1F:
            while data[i] & 0x80:
                i += 1
            i += 1
        tag = data[start:i].hex().upper()
        length = data[i]
        i += 1
        if length > 0x7F:
            n = length & 0x7F
            length = int.from_bytes(data[i : i + n], "big")
            i += n
        if i + length > len(data):
            raise SystemExit("object %s breaks off" % tag)
        out.append((tag, data[i : i + length]))
        i += length
    return out


def find(data, *path):
    for want in path:
        found = [value for tag, value in tlv(data) if tag == want]
        if not found:
            return None
        data = found[0]
    return data


class Manager:
    def __init__(self, reader, key):
        self.key = key
        self.level = 0
        self.domain = None
        chosen = [r for r in readers() if str(r) == reader]
        if not chosen:
            raise SystemExit("no reader " + reader)
        self.card = chosen[0].createConnection()
        self.card.connect(CardConnection.T1_protocol | CardConnection.T0_protocol, disposition=SCARD_RESET_CARD)

    # The wire.

    def raw(self, apdu):
        data, sw1, sw2 = self.card.transmit(list(apdu))
        data = bytes(data)
        while sw1 == 0x61:
            more, sw1, sw2 = self.card.transmit([0x00, 0xC0, 0x00, 0x00, sw2])
            data += bytes(more)
        return data, sw1 << 8 | sw2

    def send(self, cla, ins, p1, p2, data=b"", le=True):
        """A command at the level of the open channel."""
        header = bytes([cla, ins, p1, p2])
        if not self.level:
            body = bytes([len(data)]) + data if data else b""
            return self.raw(header + body + (b"\x00" if le else b""))
        if self.level & 0x02:  # GPC_SPE_014, 6.2.6: the counter counts every command
            self.counter += 1
            if data:
                iv = aes_block(self.enc, self.counter.to_bytes(16, "big"))
                data = cbc(self.enc, iv, pad(data))
        header = bytes([cla | 0x04]) + header[1:] + bytes([len(data) + 8])
        self.chain = cmac(self.mac, self.chain + header + data)  # 6.2.4
        answer, sw = self.raw(header + data + self.chain[:8] + (b"\x00" if le else b""))
        return self.open_response(answer, sw)

    def open_response(self, answer, sw):
        fine = sw == 0x9000 or sw >> 8 in (0x62, 0x63)
        if not self.level & 0x10 or not fine:  # 6.2.5: errors carry no R-MAC
            return answer, sw
        answer, mac = answer[:-8], answer[-8:]
        if cmac(self.rmac, self.chain + answer + sw.to_bytes(2, "big"))[:8] != mac:
            raise SystemExit("the response's MAC is wrong")
        if self.level & 0x20 and answer:  # 6.2.7
            iv = aes_block(self.enc, (1 << 127 | self.counter).to_bytes(16, "big"))
            answer = unpad(cbc(self.enc, iv, answer, decrypt=True))
        return answer, sw

    # The actions.

    def discover(self):
        """SELECT without a name finds the issuer domain."""
        return self.selected(*self.raw(bytes.fromhex("00A4040000")))

    def select(self):
        aid = self.domain or bytes.fromhex("A000000151000000")
        return self.selected(*self.raw(bytes.fromhex("00A40400") + bytes([len(aid)]) + aid + b"\x00"))

    def selected(self, fci, sw):
        self.level = 0
        if sw != 0x9000:
            return "%04X" % sw
        self.domain = find(fci, "6F", "84")
        if not self.domain or find(fci, "6F", "A5") is None:
            raise SystemExit("FCI without AID or proprietary data: " + fci.hex())
        block = find(fci, "6F", "A5", "9F65")
        return "9000 %s, blocks of %s" % (self.domain.hex().upper(), block and int.from_bytes(block, "big"))

    def data(self, tag):
        answer, sw = self.send(0x80, 0xCA, *bytes.fromhex(tag))
        return "%04X %s" % (sw, answer.hex().upper())

    def open(self, version, level):
        """INITIALIZE UPDATE and EXTERNAL AUTHENTICATE."""
        self.level = 0
        host = os.urandom(8)
        answer, sw = self.raw(bytes([0x80, 0x50, int(version, 16), 0, 8]) + host + b"\x00")
        if sw != 0x9000:
            return "INITIALIZE UPDATE %04X" % sw
        if len(answer) != 32 or answer[11] != 3:
            raise SystemExit("not SCP03 with a pseudo-random challenge: " + answer.hex())
        context = host + answer[13:21]
        self.enc = derive(self.key, 0x04, context, 8 * len(self.key))
        self.mac = derive(self.key, 0x06, context, 8 * len(self.key))
        self.rmac = derive(self.key, 0x07, context, 8 * len(self.key))
        said = "version %02X, i %02X" % (answer[10], answer[12])
        genuine = derive(self.mac, 0x00, context, 64) == answer[21:29]
        sequence = int.from_bytes(answer[29:], "big")
        challenge = derive(self.key, 0x02, answer[29:] + (self.domain or b""), 64)
        said += ", challenge %s" % ("as derived" if challenge == answer[13:21] else "of its own")
        self.chain, self.counter = bytes(16), 0
        host_cryptogram = derive(self.mac, 0x01, context, 64)
        self.level = 0x01
        _, sw = self.send(0x80, 0x82, int(level, 16), 0, host_cryptogram, le=False)
        self.level = int(level, 16) if sw == 0x9000 else 0
        if sequence == 0:
            said += ", sequence 0"
        return "%s, card %s, EXTERNAL AUTHENTICATE %04X" % (said, "genuine" if genuine else "not genuine", sw)

    def status(self, subset):
        """GET STATUS in TLV, going on after 6310."""
        out, p2 = b"", 0x02
        while True:
            answer, sw = self.send(0x80, 0xF2, int(subset, 16), p2, b"\x4f\x00")
            if sw == 0x6A88:
                return "6A88 none"
            if sw not in (0x9000, 0x6310):
                return "%04X" % sw
            out += answer
            if sw == 0x9000:
                break
            p2 = 0x03
        entries = [
            "%s %s %s" % (find(e, "4F").hex().upper(), find(e, "9F70").hex().upper(), find(e, "C5").hex().upper())
            for tag, e in tlv(out)
            if tag == "E3"
        ]
        return "9000 " + ", ".join(entries)

    def putkey(self, p1, version, key, le="le"):
        """PUT KEY of three keys (GPC_SPE_014, 7.2), all alike; some managers send no Le."""
        key = bytes.fromhex(key)
        padded = key + bytes(-len(key) % 16)
        wrapped = cbc(self.key, bytes(16), padded)
        check = aes_block(key, b"\x01" * 16)[:3]
        block = bytes([0x88, len(wrapped) + 1, len(key)]) + wrapped + b"\x03" + check
        answer, sw = self.send(0x80, 0xD8, int(p1, 16), 0x81, bytes([int(version, 16)]) + 3 * block, le=le == "le")
        if sw == 0x9000 and answer != bytes([int(version, 16)]) + 3 * check:
            raise SystemExit("other check values come back: " + answer.hex())
        return "%04X" % sw

    def use(self, key):
        self.key = bytes.fromhex(key)
        return "ok"

    def deletekey(self, version, le="le"):
        _, sw = self.send(0x80, 0xE4, 0, 0, bytes([0xD2, 1, int(version, 16)]), le=le == "le")
        return "%04X" % sw

    def plain(self, apdu):
        """A command outside the channel."""
        answer, sw = self.raw(bytes.fromhex(apdu))
        return "%04X %d bytes" % (sw, len(answer))

    def forged(self):
        """A command whose MAC is wrong, and one after it."""
        self.chain = bytes(16)
        _, first = self.send(0x80, 0xCA, 0x00, 0xE0)
        level, self.level = self.level, 0
        _, second = self.raw(bytes.fromhex("84CA00E00800000000000000000000")[:13] + b"\x00")
        self.level = level
        return "%04X, then %s" % (first, "refused" if second != 0x9000 else "taken")


def main():
    manager = Manager(sys.argv[1], bytes.fromhex(sys.argv[2]))
    for action in sys.argv[3:]:
        name, *arguments = action.split(":")
        print("%-22s %s" % (action, getattr(manager, name)(*arguments)), flush=True)


main()
