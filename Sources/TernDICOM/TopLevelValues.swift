import TernBytes

/// The values of some elements of the top level of a data set, as they stand in its bytes: for what is copied and not understood.
///
/// Values may name a patient; who asks for them says where they go.
public struct TopLevelValues: Sendable {
    private struct Found {
        var tag: DICOMTag
        var value: [UInt8]
    }
    private var found: [Found] = []

    /// Reads the values of plain elements. Of a tag that stands twice the first counts.
    ///
    /// - Parameters:
    ///   - tags: the elements that are wanted, fewer than a hundred.
    ///   - limitByteCount: a longer value is passed over.
    /// - Throws: `DICOMError` of the structure up to the last of the tags. Transfer syntaxes whose pixels are not read here are no error.
    /// - Cost: one pass over the elements before the pixels, and up to the last of the tags; what is kept is at most tags times `limitByteCount`.
    public init(parsing bytes: RawSpan, tags: [DICOMTag], limitByteCount: Int) throws(DICOMError) {
        let start = try DataSetStart(bytes, strictness: .lenient, readsOtherSyntaxes: true)
        if start.syntax.isDeflated {
            let inflated = try start.inflated(bytes)
            try read(inflated.rawBytes, start.syntax.encoding, offset: 0, tags, limitByteCount)
        } else {
            try read(bytes, start.syntax.encoding, offset: start.offset, tags, limitByteCount)
        }
    }

    /// The value without trailing padding; nil when the element is missing, longer than asked for, or a sequence.
    public subscript(tag: DICOMTag) -> [UInt8]? { found.first { $0.tag == tag }?.value }

    private mutating func read(
        _ bytes: RawSpan, _ encoding: DICOMEncoding, offset: Int, _ tags: [DICOMTag], _ limitByteCount: Int
    ) throws(DICOMError) {
        var walker = DataSetWalker(bytes, encoding: encoding, offset: offset)
        let last = tags.map { $0.number }.max() ?? 0
        while let event = try walker.next() {
            switch event {
            case .element(let element):
                // Elements ascend (PS3.5 2024d 7.1).
                if walker.depth == 0, element.tag.number > last { return }
                if walker.depth == 0, element.valueRange.count <= limitByteCount { take(element, bytes, tags) }
            case .sequenceStart(let element):
                if walker.depth == 1, element.tag.number > last { return }
                _ = try walker.skipSequence()
            case .fragmentsStart:
                if walker.depth == 0 { return }
            default: break
            }
        }
    }

    private mutating func take(_ element: DataElement, _ bytes: RawSpan, _ tags: [DICOMTag]) {
        guard tags.contains(element.tag), self[element.tag] == nil else { return }
        var value = bytes.extracting(element.valueRange).array
        while value.last == 0x20 || value.last == 0 { value.removeLast() }
        found.append(Found(tag: element.tag, value: value))
    }
}

extension DICOMTag {
    /// Group and element as one number, in the order of a data set.
    fileprivate var number: UInt32 { UInt32(group) << 16 | UInt32(element) }
}
