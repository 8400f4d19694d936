public import TernFindings

/// What a person says of a result: the body of a review, read from JSON (RFC 8259).
///
///     {"decision":"amend","label":"pneumonia","call":"negative","note":"…"}
public struct ReviewRequest: Equatable, Sendable {
    public enum Decision: String, Equatable, Sendable, CaseIterable {
        /// The result stands.
        case accept
        /// The result is wrong.
        case reject
        /// Something of it is different: a call, or what the note says.
        case amend
    }
    public var decision: Decision
    /// The label that the decision is about; nil for the whole result.
    public var label: String?
    /// What the person says instead; only with a label and `amend`.
    public var call: Call?
    /// Free text; may say anything of a patient.
    public var note: String?

    /// Longest body.
    public static let limitByteCount = 16 << 10
    /// Longest note, in bytes of UTF-8.
    public static let limitNoteByteCount = 8 << 10

    /// Reads one flat object whose members are strings; no other JSON is a review.
    ///
    /// - Throws: `ReviewError`.
    public init(parsing bytes: [UInt8]) throws(ReviewError) {
        guard bytes.count <= Self.limitByteCount else { throw .tooLong(limit: Self.limitByteCount) }
        var reader = FlatObject(bytes: bytes)
        let members = try reader.members()
        var decision: Decision?
        for member in members {
            switch member.name {
            case Array("decision".utf8): decision = Decision.allCases.first { $0.rawValue.utf8.elementsEqual(member.value) }
            case Array("label".utf8): label = try text(member, limit: 256)
            case Array("call".utf8):
                call = Self.calls.first { $0.rawValue.utf8.elementsEqual(member.value) }
                guard call != nil else { throw .badValue(.call) }
            case Array("note".utf8): note = try text(member, limit: Self.limitNoteByteCount)
            default: throw .unknownMember(offset: member.offset)
            }
        }
        guard let decision else { throw .badValue(.decision) }
        self.decision = decision
        if call != nil, label == nil || decision != .amend { throw .badValue(.call) }
        if decision == .amend, call == nil, note == nil { throw .saysNothing }
    }

    private static let calls: [Call] = [.positive, .negative, .review]
}

/// Why a body is no review.
public enum ReviewError: Error, Equatable, Sendable {
    public enum Member: Equatable, Sendable { case decision, label, call, note }
    case tooLong(limit: Int)
    /// It ends too early.
    case truncated(offset: Int)
    /// This byte is not where JSON has it, or begins a value that is no string.
    case unexpectedByte(offset: Int)
    /// The bytes of a string that begins here are not UTF-8, or it has a surrogate without its other half.
    case badText(offset: Int)
    case repeatedMember(offset: Int)
    case unknownMember(offset: Int)
    /// The member is missing, too long, empty, or is none of the words that it may be.
    case badValue(Member)
    /// An amendment has neither a call nor a note.
    case saysNothing
}

/// A string of at most so many bytes, not empty.
private func text(_ member: FlatObject.Member, limit: Int) throws(ReviewError) -> String {
    guard (1...limit).contains(member.value.count) else { throw .badValue(member.name.first == 0x6C ? .label : .note) }
    return String(decoding: member.value, as: UTF8.self)
}

/// Reads an object whose values are strings. Nothing nests, so nothing is kept but the members.
private struct FlatObject {
    struct Member {
        var name: [UInt8]
        var value: [UInt8]
        /// Where the name begins.
        var offset: Int
    }
    let bytes: [UInt8]
    private var offset = 0

    init(bytes: [UInt8]) { self.bytes = bytes }

    mutating func members() throws(ReviewError) -> [Member] {
        var members: [Member] = []
        try expect(0x7B)
        if try next() == 0x7D {
            offset += 1
        } else {
            var separator: UInt8 = 0x2C
            while separator == 0x2C {
                _ = try next()
                let start = offset
                let name = try string()
                guard !members.contains(where: { $0.name == name }) else { throw .repeatedMember(offset: start) }
                try expect(0x3A)
                _ = try next()
                members.append(Member(name: name, value: try string(), offset: start))
                separator = try next()
                guard separator == 0x2C || separator == 0x7D else { throw .unexpectedByte(offset: offset) }
                offset += 1
            }
        }
        skipSpace()
        guard offset == bytes.count else { throw .unexpectedByte(offset: offset) }
        return members
    }

    private mutating func skipSpace() {
        while offset < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[offset]) { offset += 1 }
    }

    /// The next byte that is no white space; the cursor stays on it.
    private mutating func next() throws(ReviewError) -> UInt8 {
        skipSpace()
        return try byte()
    }

    private func byte() throws(ReviewError) -> UInt8 {
        guard offset < bytes.count else { throw .truncated(offset: offset) }
        return bytes[offset]
    }

    private mutating func expect(_ wanted: UInt8) throws(ReviewError) {
        guard try next() == wanted else { throw .unexpectedByte(offset: offset) }
        offset += 1
    }

    private mutating func take() throws(ReviewError) -> UInt8 {
        defer { offset += 1 }
        return try byte()
    }

    /// The bytes that a string stands for, UTF-8.
    private mutating func string() throws(ReviewError) -> [UInt8] {
        let start = offset
        try expect(0x22)
        var utf8: [UInt8] = []
        while true {
            let byte = try take()
            switch byte {
            case 0x22:
                // Bytes that are not UTF-8 would come back as U+FFFD.
                guard String(decoding: utf8, as: UTF8.self).utf8.elementsEqual(utf8) else { throw .badText(offset: start) }
                return utf8
            case 0x5C: try escape(into: &utf8, start)
            case 0..<0x20: throw .unexpectedByte(offset: offset - 1)
            default: utf8.append(byte)
            }
        }
    }

    private mutating func escape(into utf8: inout [UInt8], _ start: Int) throws(ReviewError) {
        let byte = try take()
        switch byte {
        case 0x22, 0x5C, 0x2F: utf8.append(byte)
        case 0x62: utf8.append(0x08)
        case 0x66: utf8.append(0x0C)
        case 0x6E: utf8.append(0x0A)
        case 0x72: utf8.append(0x0D)
        case 0x74: utf8.append(0x09)
        case 0x75:
            var code = try hexadecimal()
            if code & 0xFC00 == 0xD800 {
                guard try take() == 0x5C, try take() == 0x75 else { throw .badText(offset: start) }
                let low = try hexadecimal()
                guard low & 0xFC00 == 0xDC00 else { throw .badText(offset: start) }
                code = 0x10000 + (code & 0x3FF) << 10 + (low & 0x3FF)
            }
            guard let scalar = Unicode.Scalar(code) else { throw .badText(offset: start) }
            utf8 += UTF8.encode(scalar).map { Array($0) } ?? []
        default: throw .unexpectedByte(offset: offset - 1)
        }
    }

    private mutating func hexadecimal() throws(ReviewError) -> UInt32 {
        var code: UInt32 = 0
        for _ in 0..<4 {
            let byte = try take()
            let digit: UInt8
            switch byte {
            case 0x30...0x39: digit = byte - 0x30
            case 0x41...0x46: digit = byte - 0x37
            case 0x61...0x66: digit = byte - 0x57
            default: throw .unexpectedByte(offset: offset - 1)
            }
            code = code << 4 | UInt32(digit)
        }
        return code
    }
}
