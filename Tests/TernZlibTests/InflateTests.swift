import TernBytes
import Testing

@testable import TernZlib

/// Made by Python 3.11: `gzip.compress(b"Tern reads bytes, bytes, bytes.\n", mtime=0)`.
private let member: [UInt8] = hex("1f8b08000000000002030b492dca53284a4d4c295648aa2c492dd641a1f4b800324addef20000000")
private let text = Array("Tern reads bytes, bytes, bytes.\n".utf8)
/// `gzip.compress(bytes(1 << 20), mtime=0)`: a megabyte of zeros.
private let zeros: [UInt8] = hex("1f8b0800000000000203edc13101000000c2a0f54f6d085fa0") + [UInt8](repeating: 0, count: 1016) + hex("3e031cea38a700001000")

private func hex(_ text: String) -> [UInt8] {
    var digits = text.utf8.map { $0 < 58 ? $0 - 48 : $0 - 87 }[...]
    var bytes: [UInt8] = []
    while digits.count >= 2 { bytes.append(digits.removeFirst() << 4 | digits.removeFirst()) }
    return bytes
}

/// The deflate stream inside `member`: ten bytes of head, eight of checksum and count.
private let raw = Array(member[10..<(member.count - 8)])

@Test func unpacksAMember() throws {
    let result = try inflate(member.rawBytes, as: .gzip, limitByteCount: text.count)
    #expect(result.bytes == text && result.consumedByteCount == member.count)
}

@Test func readsMembersOneAfterTheOther() throws {
    #expect(try inflate((member + member).rawBytes, as: .gzip, limitByteCount: 100).bytes == text + text)
}

@Test func reportsWhatFollowsARawStream() throws {
    let result = try inflate((raw + [0]).rawBytes, as: .raw, limitByteCount: 100)
    #expect(result.bytes == text && result.consumedByteCount == raw.count)
}

@Test func refusesTrailingBytesOfGzip() {
    for rest in [[1], [0, 1], [UInt8](repeating: 0, count: limitPaddingByteCount + 1), [0, 0] + member] {
        #expect(throws: InflateError.trailingBytes(offset: member.count)) { try inflate((member + rest).rawBytes, as: .gzip, limitByteCount: 100) }
    }
    #expect(throws: InflateError.truncated(byteCount: member.count + 3)) { try inflate((member + [31, 139, 8]).rawBytes, as: .gzip, limitByteCount: 100) }
}

@Test func passesOverPaddingBehindGzip() throws {
    for count in [1, 2, 512, limitPaddingByteCount] {
        let padded = member + member + [UInt8](repeating: 0, count: count)
        for expected in [0, 2 * text.count] {
            let result = try inflate(padded.rawBytes, as: .gzip, limitByteCount: 100, expectedByteCount: expected)
            #expect(result.bytes == text + text && result.consumedByteCount == padded.count)
        }
    }
}

@Test func refusesEveryPrefix() {
    for count in 0..<member.count {
        #expect(throws: InflateError.truncated(byteCount: count)) { try inflate(Array(member[..<count]).rawBytes, as: .gzip, limitByteCount: 100) }
    }
    for count in 0..<raw.count {
        #expect(throws: InflateError.truncated(byteCount: count)) { try inflate(Array(raw[..<count]).rawBytes, as: .raw, limitByteCount: 100) }
    }
}

@Test func refusesDamage() {
    var wrongChecksum = member
    wrongChecksum[member.count - 8] ^= 1
    var wrongCount = member
    wrongCount[member.count - 1] ^= 1
    for damaged in [wrongChecksum, wrongCount, text, Array(member.reversed())] {
        let error = #expect(throws: InflateError.self) { try inflate(damaged.rawBytes, as: .gzip, limitByteCount: 100) }
        guard case .damaged? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }
}

@Test func stopsAtTheLimit() throws {
    #expect(throws: InflateError.tooManyBytes(limit: text.count - 1)) { try inflate(member.rawBytes, as: .gzip, limitByteCount: text.count - 1) }
    #expect(throws: InflateError.tooManyBytes(limit: 0)) { try inflate(member.rawBytes, as: .gzip, limitByteCount: 0) }
    #expect(throws: InflateError.tooManyBytes(limit: 100_000)) { try inflate(zeros.rawBytes, as: .gzip, limitByteCount: 100_000) }
    let whole = try inflate(zeros.rawBytes, as: .gzip, limitByteCount: .max, expectedByteCount: .max)
    #expect(whole.bytes == [UInt8](repeating: 0, count: 1 << 20))
}

@Test func givesAPrefixOfAMember() throws {
    #expect(try inflatePrefix(member.rawBytes, as: .gzip, byteCount: 4) == Array(text[..<4]))
    #expect(try inflatePrefix(member.rawBytes, as: .gzip, byteCount: 100) == text)
    #expect(try inflatePrefix(zeros.rawBytes, as: .gzip, byteCount: 70_000).count == 70_000)
}

@Test func addsUpChecksums() {
    // ISO 3309's check value.
    #expect(checksumCRC32(Array("123456789".utf8).rawBytes) == 0xCBF4_3926)
    #expect(checksumCRC32([UInt8]().rawBytes) == 0)
}
