import TernBytes
import Testing

@Suite struct ByteReaderTests {
    private let bytes: [UInt8] = [0x01, 0x82, 0x03, 0x84, 0x05, 0x86, 0x07, 0x88, 0x00, 0x00, 0x80, 0x3F]

    @Test func readsBothByteOrders() throws {
        var reader = ByteReader(bytes.rawBytes)
        #expect(try reader.readUInt8() == 0x01)
        try reader.seek(to: 0)
        #expect(try reader.readUInt16LE() == 0x8201)
        try reader.seek(to: 0)
        #expect(try reader.readUInt16BE() == 0x0182)
        try reader.seek(to: 0)
        #expect(try reader.readUInt32LE() == 0x8403_8201)
        try reader.seek(to: 0)
        #expect(try reader.readUInt32BE() == 0x0182_0384)
        try reader.seek(to: 0)
        #expect(try reader.readUInt64LE() == 0x8807_8605_8403_8201)
        #expect(try reader.readFloatLE() == 1)
        #expect(reader.remainingByteCount == 0)
    }

    @Test func readsAtOddOffsets() throws {
        var reader = ByteReader(bytes.rawBytes)
        _ = try reader.readUInt8()
        #expect(try reader.readUInt32LE() == 0x0584_0382)
        #expect(reader.offset == 5)
    }

    @Test func refusesEveryReadPastTheEnd() throws {
        for available in 0..<8 {
            let short = Array(bytes[..<available])
            if available < 1 { expectTruncated(short, needed: 1) { reader throws(ReadError) in _ = try reader.readUInt8() } }
            if available < 2 {
                expectTruncated(short, needed: 2) { reader throws(ReadError) in _ = try reader.readUInt16LE() }
                expectTruncated(short, needed: 2) { reader throws(ReadError) in _ = try reader.readUInt16BE() }
            }
            if available < 4 {
                expectTruncated(short, needed: 4) { reader throws(ReadError) in _ = try reader.readUInt32LE() }
                expectTruncated(short, needed: 4) { reader throws(ReadError) in _ = try reader.readUInt32BE() }
                expectTruncated(short, needed: 4) { reader throws(ReadError) in _ = try reader.readFloatLE() }
            }
            expectTruncated(short, needed: 8) { reader throws(ReadError) in _ = try reader.readUInt64LE() }
            expectTruncated(short, needed: available + 1) { reader throws(ReadError) in _ = try reader.readBytes(available + 1) }
        }
    }

    @Test func leavesTheCursorWhenItRefuses() throws {
        let three: [UInt8] = [1, 2, 3]
        var reader = ByteReader(three.rawBytes)
        _ = try reader.readUInt8()
        do throws(ReadError) {
            _ = try reader.readUInt32LE()
            Issue.record("four bytes were read from two")
        } catch {
            #expect(error == .truncated(offset: 1, needed: 4, available: 2))
        }
        #expect(reader.offset == 1)
        #expect(try reader.readUInt16LE() == 0x0302)
    }

    @Test func readsAndSeeksOverTheWholeRange() throws {
        var reader = ByteReader(bytes.rawBytes)
        #expect(try reader.readBytes(0).byteCount == 0)
        #expect(try reader.readBytes(5).array == Array(bytes[..<5]))
        #expect(try reader.readBytes(7).array == Array(bytes[5...]))
        try reader.seek(to: bytes.count)
        try reader.seek(to: 0)
        #expect(reader.remainingByteCount == bytes.count)
    }

    @Test(arguments: [-1, Int.min, Int.max, 13])
    func refusesCountsAndOffsetsOutside(_ value: Int) {
        expectTruncated(bytes, needed: value) { reader throws(ReadError) in _ = try reader.readBytes(value) }
        expectTruncated(bytes, needed: value) { reader throws(ReadError) in try reader.seek(to: value) }
    }

    private func expectTruncated(_ bytes: [UInt8], needed: Int, _ read: (inout ByteReader) throws(ReadError) -> Void) {
        var reader = ByteReader(bytes.rawBytes)
        do throws(ReadError) {
            try read(&reader)
            Issue.record("\(needed) bytes were read from \(bytes.count)")
        } catch {
            #expect(error == .truncated(offset: 0, needed: needed, available: bytes.count))
        }
    }
}
