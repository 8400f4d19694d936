import TernConvertTesting
import TernPlatform
import Testing

@testable import TernConvert

@Suite struct SafetensorsTests {
    /// A file from the text of its header and a buffer of zeros.
    private func file(_ header: String, buffer: Int, declared: UInt64? = nil) throws -> Safetensors {
        let text = Array(header.utf8)
        let count = declared ?? UInt64(text.count)
        let bytes = (0..<8).map { UInt8(truncatingIfNeeded: count >> (8 * $0)) } + text + [UInt8](repeating: 0, count: buffer)
        return try Safetensors(validating: try MappedFile(copying: bytes))
    }

    private func refusal(_ header: String, buffer: Int = 8, declared: UInt64? = nil) -> SafetensorsError? {
        do {
            _ = try file(header, buffer: buffer, declared: declared)
            return nil
        } catch {
            return error as? SafetensorsError
        }
    }

    @Test func readsEveryFloatType() throws {
        let header =
            #"{"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F16","shape":[1],"data_offsets":[4,6]},"c":{"dtype":"BF16","shape":[1],"data_offsets":[6,8]}}"#
        let opened = try file(header, buffer: 8)
        for entry in opened.entries { #expect(try opened.values(of: entry) == [0]) }
        #expect(opened.entries.map(\.name) == ["a", "b", "c"])
    }

    @Test func refusesEachBrokenRule() {
        let entry = #""dtype":"F32","shape":[1],"data_offsets":[0,4]"#
        #expect(refusal("{}", declared: 1 << 40) == .headerTooLong(byteCount: 1 << 40, limit: Safetensors.limitHeaderByteCount))
        #expect(refusal("{}", buffer: 0, declared: 99) == .truncated(byteCount: 10, needed: 107))
        #expect(refusal("[]") == .headerIsNotAnObject)
        #expect(refusal("{") == .header(.truncated(offset: 1)))
        #expect(refusal("{\"a\":{\(entry)},\"a\":{\(entry)}}") == .header(.duplicateKey("a")))
        #expect(refusal(#"{"a":{"shape":[1],"data_offsets":[0,4]}}"#) == .missingField(tensor: "a", field: "dtype"))
        #expect(refusal(#"{"a":{"dtype":"F32","data_offsets":[0,4]}}"#) == .missingField(tensor: "a", field: "shape"))
        #expect(refusal(#"{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}"#) == .missingField(tensor: "a", field: "shape"))
        #expect(refusal(#"{"a":{"dtype":"F4","shape":[1],"data_offsets":[0,4]}}"#) == .unknownType(tensor: "a", type: "F4"))
        #expect(
            refusal(#"{"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,4]}}"#) == .missingField(tensor: "a", field: "shape"))
        #expect(
            refusal(#"{"a":{"dtype":"F32","shape":[4503599627370496,4503599627370496],"data_offsets":[0,4]}}"#) == .badShape(tensor: "a"))
        #expect(refusal(#"{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,12]}}"#) == .outsideTheFile(tensor: "a"))
        #expect(refusal(#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}"#) == .outsideTheFile(tensor: "a"))
        #expect(
            refusal(#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,8]}}"#) == .byteCountMismatch(tensor: "a", expected: 4, found: 8))
        #expect(
            refusal("{\"a\":{\(entry)},\"b\":{\"dtype\":\"F16\",\"shape\":[3],\"data_offsets\":[2,8]}}") == .overlap(tensor: "b"))
        #expect(
            refusal("{\"a\":{\(entry)},\"b\":{\"dtype\":\"F16\",\"shape\":[1],\"data_offsets\":[6,8]}}") == .hole(before: "b", byteCount: 2))
        #expect(refusal("{\"a\":{\(entry)}}") == .trailingBytes(count: 4))
    }

    @Test func refusesNonFiniteAndIntegerValues() throws {
        let header = Array(#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"I32","shape":[1],"data_offsets":[4,8]}}"#.utf8)
        let bytes = [UInt8(header.count), 0, 0, 0, 0, 0, 0, 0] + header + [0, 0, 0x80, 0x7F, 0, 0, 0, 0]
        let opened = try Safetensors(validating: try MappedFile(copying: bytes))
        #expect(throws: SafetensorsError.notFinite(tensor: "a", index: 0)) { try opened.values(of: opened.entries[0]) }
        #expect(throws: SafetensorsError.notAFloatType(tensor: "b", type: .i32)) { try opened.values(of: opened.entries[1]) }
    }

    @Test func refusesEveryTruncation() throws {
        let header = #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F16","shape":[2],"data_offsets":[4,8]}}"#
        let text = Array(header.utf8)
        let whole = [UInt8(text.count), 0, 0, 0, 0, 0, 0, 0] + text + [UInt8](repeating: 0, count: 8)
        _ = try Safetensors(validating: try MappedFile(copying: whole))
        for count in 1..<whole.count {
            #expect(throws: SafetensorsError.self) { try Safetensors(validating: try MappedFile(copying: Array(whole.prefix(count)))) }
        }
    }

    @Test func survivesEveryBitFlipOfAHeader() throws {
        let whole = try CheckpointCase.bytes("vit.expected.safetensors")
        let headerEnd = 8 + Int(whole[0]) + Int(whole[1]) << 8
        for bit in 0..<8 * headerEnd {
            var bytes = whole
            bytes[bit / 8] ^= 1 << (bit % 8)
            _ = try? Safetensors(validating: try MappedFile(copying: bytes))
        }
    }
}
