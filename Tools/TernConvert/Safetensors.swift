public import TernPlatform
internal import TernBytes

/// The directory of a safetensors file and its mapped bytes.
///
/// - Source: safetensors format: u64 header byte count, JSON header, then one buffer that the tensors fill without holes.
public final class Safetensors {
    /// Element types a checkpoint for Tern may hold; other known types are listed but cannot be read as values.
    public enum ElementType: String, CaseIterable, Equatable, Sendable {
        case f64 = "F64"
        case f32 = "F32"
        case f16 = "F16"
        case bf16 = "BF16"
        case i64 = "I64"
        case i32 = "I32"
        case i16 = "I16"
        case i8 = "I8"
        case u8 = "U8"
        case bool = "BOOL"

        var byteCount: Int {
            switch self {
            case .f64, .i64: 8
            case .f32, .i32: 4
            case .f16, .bf16, .i16: 2
            case .i8, .u8, .bool: 1
            }
        }
    }

    /// One tensor of the file; `byteOffset` counts from the start of the file.
    public struct Entry: Equatable, Sendable {
        public var name: String
        public var elementType: ElementType
        public var shape: [Int]
        public var byteOffset: Int
        public var byteCount: Int
        public var elementCount: Int { byteCount / elementType.byteCount }
    }

    /// Largest header that is read.
    public static let limitHeaderByteCount = 100_000_000
    /// Largest number of tensors.
    public static let limitTensors = 65_536

    /// Ascending by place in the file.
    public let entries: [Entry]
    private let mapping: MappedFile
    private let indexByName: [String: Int]

    /// Checks the header, that every tensor lies inside the file and that tensors neither overlap nor leave holes.
    ///
    /// - Throws: `SafetensorsError`.
    public init(validating mapping: MappedFile) throws(SafetensorsError) {
        self.mapping = mapping
        entries = try Safetensors.directory(of: mapping.bytes)
        var index: [String: Int] = [:]
        for (position, entry) in entries.enumerated() { index[entry.name] = position }
        indexByName = index
    }

    /// SHA-256 of the whole file in hexadecimal.
    public var sha256: String {
        let mapping = self.mapping
        return Hexadecimal.string(Digest.sha256(mapping.bytes))
    }

    /// The tensor of this name, nil when the file has none.
    public func entry(named name: String) -> Entry? { indexByName[name].map { entries[$0] } }

    /// The values of a tensor widened to binary32, row-major.
    ///
    /// - Throws: `SafetensorsError.notAFloatType`, or `.notFinite` with the first index that is NaN or infinite.
    public func values(of entry: Entry) throws(SafetensorsError) -> [Float] {
        let mapping = self.mapping
        let bytes = mapping.bytes
        let count = entry.elementCount
        var values: [Float] = []
        values.reserveCapacity(count)
        switch entry.elementType {
        case .f32: for i in 0..<count { values.append(bytes.floatLE(at: entry.byteOffset + 4 * i)) }
        case .f16:
            for i in 0..<count { values.append(Float(Float16(bitPattern: bytes.uint16LE(at: entry.byteOffset + 2 * i)))) }
        case .bf16:
            for i in 0..<count { values.append(Float(bitPattern: UInt32(bytes.uint16LE(at: entry.byteOffset + 2 * i)) << 16)) }
        default: throw .notAFloatType(tensor: entry.name, type: entry.elementType)
        }
        if let index = values.firstIndex(where: { !$0.isFinite }) { throw .notFinite(tensor: entry.name, index: index) }
        return values
    }
}

extension Safetensors {
    static func directory(of bytes: RawSpan) throws(SafetensorsError) -> [Entry] {
        guard bytes.byteCount >= 8 else { throw .truncated(byteCount: bytes.byteCount, needed: 8) }
        let declared = bytes.uint64LE(at: 0)
        guard declared <= UInt64(limitHeaderByteCount) else { throw .headerTooLong(byteCount: declared, limit: limitHeaderByteCount) }
        let bufferStart = 8 + Int(declared)
        guard bytes.byteCount >= bufferStart else { throw .truncated(byteCount: bytes.byteCount, needed: bufferStart) }
        let header = bytes.extracting(8..<bufferStart).array
        guard header.first == UInt8(ascii: "{") else { throw .headerIsNotAnObject }
        let document: JSONValue
        do { document = try JSONValue(parsing: header) } catch { throw .header(error) }
        guard let members = document.members else { throw .headerIsNotAnObject }
        var entries: [Entry] = []
        for member in members where member.key != "__metadata__" {
            entries.append(try entry(member, bufferStart: bufferStart, fileByteCount: bytes.byteCount))
        }
        guard entries.count <= limitTensors else { throw .tooManyTensors(count: entries.count, limit: limitTensors) }
        return try ordered(entries, bufferStart: bufferStart, fileByteCount: bytes.byteCount)
    }

    private static func entry(_ member: JSONMember, bufferStart: Int, fileByteCount: Int) throws(SafetensorsError) -> Entry {
        let name = member.key
        guard let typeName = member.value["dtype"]?.string else { throw .missingField(tensor: name, field: "dtype") }
        guard let type = ElementType(rawValue: typeName) else { throw .unknownType(tensor: name, type: typeName) }
        let shape = try integers("shape", of: member)
        let offsets = try integers("data_offsets", of: member)
        guard shape.count <= 8 else { throw .badShape(tensor: name) }
        guard offsets.count == 2, offsets[0] <= offsets[1], offsets[1] <= fileByteCount - bufferStart else {
            throw .outsideTheFile(tensor: name)
        }
        var byteCount = type.byteCount
        for dimension in shape {
            let (product, overflow) = byteCount.multipliedReportingOverflow(by: dimension)
            guard !overflow else { throw .badShape(tensor: name) }
            byteCount = product
        }
        guard byteCount == offsets[1] - offsets[0] else {
            throw .byteCountMismatch(tensor: name, expected: byteCount, found: offsets[1] - offsets[0])
        }
        return Entry(name: name, elementType: type, shape: shape, byteOffset: bufferStart + offsets[0], byteCount: byteCount)
    }

    private static func integers(_ field: String, of member: JSONMember) throws(SafetensorsError) -> [Int] {
        guard let values = member.value[field]?.array else { throw .missingField(tensor: member.key, field: field) }
        var integers: [Int] = []
        for value in values {
            guard let integer = value.integer, integer >= 0 else { throw .missingField(tensor: member.key, field: field) }
            integers.append(integer)
        }
        return integers
    }

    private static func ordered(_ entries: [Entry], bufferStart: Int, fileByteCount: Int) throws(SafetensorsError) -> [Entry] {
        let sorted = entries.sorted { ($0.byteOffset, $0.byteCount) < ($1.byteOffset, $1.byteCount) }
        var end = bufferStart
        for entry in sorted {
            guard entry.byteOffset >= end else { throw .overlap(tensor: entry.name) }
            guard entry.byteOffset == end else { throw .hole(before: entry.name, byteCount: entry.byteOffset - end) }
            end += entry.byteCount
        }
        guard end == fileByteCount else { throw .trailingBytes(count: fileByteCount - end) }
        return sorted
    }
}

/// Why a safetensors file was refused.
public enum SafetensorsError: Error, Equatable, Sendable {
    case truncated(byteCount: Int, needed: Int)
    case headerTooLong(byteCount: UInt64, limit: Int)
    case headerIsNotAnObject
    case header(JSONError)
    case tooManyTensors(count: Int, limit: Int)
    case missingField(tensor: String, field: String)
    case unknownType(tensor: String, type: String)
    case badShape(tensor: String)
    case outsideTheFile(tensor: String)
    case byteCountMismatch(tensor: String, expected: Int, found: Int)
    case overlap(tensor: String)
    case hole(before: String, byteCount: Int)
    case trailingBytes(count: Int)
    case notAFloatType(tensor: String, type: Safetensors.ElementType)
    case notFinite(tensor: String, index: Int)
}
