import TernBytes

/// Walks over a data set without recursion: one event at a time, down into sequences of defined and undefined length.
///
/// - Cost: one pass; memory for at most `DataSetWalker.limitDepth` open sequences. An implicit value that may hold items is looked through once more
///   for each sequence it lies in.
/// - Source: PS3.5 2024d sections 6.2, 7.1, 7.5 and A.4.
public struct DataSetWalker: ~Escapable {
    /// Structured reports nest about ten deep; images far less.
    public static let limitDepth = 16

    private enum Kind { case sequence, item, fragments }
    /// One open sequence, item or series of fragments.
    private struct Level {
        var kind: Kind
        /// Where its bytes end at the latest; exactly there when the length is defined.
        var end: Int
        var isDefined: Bool
        var encoding: DICOMEncoding
    }

    private let bytes: RawSpan
    private var reader: ByteReader
    private let encoding: DICOMEncoding
    private let strictness: DICOMStrictness
    private let end: Int
    private var levels: [Level] = []
    /// How many sequences are open.
    public private(set) var depth = 0

    /// Starts at the element at `offset`, which lies inside the bytes or at their end.
    @_lifetime(copy bytes)
    public init(_ bytes: RawSpan, encoding: DICOMEncoding, offset: Int = 0, strictness: DICOMStrictness = .lenient) {
        precondition((0...bytes.byteCount).contains(offset), "a data set starts inside its bytes")
        self.bytes = bytes
        reader = ByteReader(bytes)
        self.encoding = encoding
        self.strictness = strictness
        end = bytes.byteCount
        do throws(ReadError) { try reader.seek(to: offset) } catch {}
    }

    /// Where the next event is read.
    public var offset: Int { reader.offset }

    /// Gives the next event, or nil at the end of the bytes. Fewer than 8 bytes at the end of the top level are no element and are passed over.
    ///
    /// - Throws: `DICOMError` of the structure; after an error the walk is over.
    @_lifetime(self: copy self)
    public mutating func next() throws(DICOMError) -> DataSetEvent? {
        guard let level = levels.last else {
            guard reader.remainingByteCount > 0, strictness == .strict || reader.remainingByteCount >= 8 else { return nil }
            return try readElement(encoding, end: end, isItem: false)
        }
        if level.isDefined, reader.offset == level.end { return close() }
        switch level.kind {
        case .item: return try readElement(level.encoding, end: level.end, isItem: !level.isDefined)
        case .sequence: return try readItem(level)
        case .fragments: return try readFragment(level)
        }
    }

    /// Passes over the content of the sequence that has just been started. Of an undefined length it does nothing: the content must be walked.
    ///
    /// - Returns: whether the content was passed over; no `sequenceEnd` follows then.
    @_lifetime(self: copy self)
    public mutating func skipSequence() throws(DICOMError) -> Bool {
        guard let level = levels.last, level.kind == .sequence, level.isDefined else { return false }
        try seek(to: level.end)
        _ = close()
        return true
    }

    private mutating func close() -> DataSetEvent {
        switch levels.removeLast().kind {
        case .item: return .itemEnd
        case .fragments: return .fragmentsEnd
        case .sequence:
            depth -= 1
            return .sequenceEnd
        }
    }

    // MARK: Parts

    @_lifetime(self: copy self)
    private mutating func readElement(_ encoding: DICOMEncoding, end: Int, isItem: Bool) throws(DICOMError) -> DataSetEvent {
        let head = try reader.readElementHead(encoding, end: end, strictness: strictness)
        if head.tag.group == 0xFFFE {
            guard isItem, head.tag == .itemDelimitation else { throw .unexpectedTag(tag: head.tag, offset: head.offset) }
            guard head.byteCount == 0 else { throw .invalidValue(tag: head.tag) }
            return close()
        }
        let start = reader.offset
        let element = DataElement(
            tag: head.tag, representation: head.representation, valueRange: start..<(start + (head.byteCount ?? 0)), offset: head.offset,
            isUndefinedLength: head.byteCount == nil, isBigEndian: encoding.isBigEndian)
        guard let byteCount = head.byteCount else { return try openUndefined(element, encoding, end: end) }
        // PS3.5 2024d 6.2.2 note 4: unknown content is implicit VR little endian.
        let isUnknown = head.representation == .unknown
        let inner = isUnknown ? DICOMEncoding.implicitLittleEndian : encoding
        if head.representation == .sequence || (isUnknown || head.representation == nil) && holdsItems(element, inner) {
            try open(Level(kind: .sequence, end: start + byteCount, isDefined: true, encoding: inner), at: head.offset)
            return .sequenceStart(element)
        }
        try seek(to: start + byteCount)
        return .element(element)
    }

    @_lifetime(self: copy self)
    private mutating func openUndefined(_ element: DataElement, _ encoding: DICOMEncoding, end: Int) throws(DICOMError) -> DataSetEvent {
        let representation = element.representation
        if representation == .otherByte || representation == .otherWord || representation == nil && element.tag == .pixelData {
            try open(Level(kind: .fragments, end: end, isDefined: false, encoding: encoding), at: element.offset)
            return .fragmentsStart(element)
        }
        guard representation == .sequence || representation == .unknown || representation == nil else {
            throw .undefinedLength(tag: element.tag, offset: element.offset)
        }
        let inner = representation == .unknown ? DICOMEncoding.implicitLittleEndian : encoding
        try open(Level(kind: .sequence, end: end, isDefined: false, encoding: inner), at: element.offset)
        return .sequenceStart(element)
    }

    private mutating func open(_ level: Level, at offset: Int) throws(DICOMError) {
        guard depth < DataSetWalker.limitDepth else { throw .sequencesTooDeep(offset: offset, limit: DataSetWalker.limitDepth) }
        if level.kind == .sequence { depth += 1 }
        levels.append(level)
    }

    @_lifetime(self: copy self)
    private mutating func readItem(_ level: Level) throws(DICOMError) -> DataSetEvent {
        let head = try reader.readElementHead(level.encoding, end: level.end, strictness: strictness)
        if head.tag == .sequenceDelimitation, !level.isDefined {
            guard head.byteCount == 0 else { throw .invalidValue(tag: head.tag) }
            return close()
        }
        guard head.tag == .item else { throw .unexpectedTag(tag: head.tag, offset: head.offset) }
        var inner = level.encoding
        if inner.isExplicit, strictness == .lenient, !reader.startsExplicitly(isBigEndian: inner.isBigEndian) { inner.isExplicit = false }
        let itemEnd = head.byteCount.map { reader.offset + $0 }
        levels.append(Level(kind: .item, end: itemEnd ?? level.end, isDefined: itemEnd != nil, encoding: inner))
        return .itemStart(offset: head.offset)
    }

    @_lifetime(self: copy self)
    private mutating func readFragment(_ level: Level) throws(DICOMError) -> DataSetEvent {
        let head = try reader.readElementHead(level.encoding, end: level.end, strictness: strictness)
        if head.tag == .sequenceDelimitation {
            guard head.byteCount == 0 else { throw .invalidValue(tag: head.tag) }
            return close()
        }
        guard head.tag == .item, let byteCount = head.byteCount else { throw .unexpectedTag(tag: head.tag, offset: head.offset) }
        let start = reader.offset
        try seek(to: start + byteCount)
        return .fragment(start..<(start + byteCount))
    }

    /// Whether a value without a representation is a sequence: items follow one another up to its end. Pixels never are.
    private func holdsItems(_ element: DataElement, _ inner: DICOMEncoding) -> Bool {
        guard element.tag.group != 0x7FE0, element.valueRange.count >= 8 else { return false }
        let value = bytes.extracting(element.valueRange)
        var ahead = ByteReader(value)
        do throws(DICOMError) {
            while ahead.remainingByteCount > 0 {
                let head = try ahead.readElementHead(inner, end: value.byteCount, strictness: strictness)
                guard head.tag == .item else { return false }
                // Where an item of undefined length ends is told by its content alone.
                guard let byteCount = head.byteCount else { return true }
                _ = try ahead.takeBytes(byteCount)
            }
            return true
        } catch {
            return false
        }
    }

    @_lifetime(self: copy self)
    private mutating func seek(to offset: Int) throws(DICOMError) {
        do throws(ReadError) { try reader.seek(to: offset) } catch { throw DICOMError(error) }
    }
}
