import TernBytes

/// What was found at the end of the attributes.
enum PixelElement {
    case native(DataElement)
    /// The fragments, the offset table first.
    case encapsulated([Range<Int>])
}

/// Reads the top level of a data set up to its pixels, and the few sequences that say something of them.
struct HeaderReader {
    private var header = ImageHeader()
    /// The open sequences, from the outside.
    private var path: [DICOMTag] = []
    private var framesSeen = 0
    private let limitFrameCount: Int
    /// What the open item of the groups of frames has said.
    private var frame = ImageHeader.FrameFields()

    private init(limitFrameCount: Int) { self.limitFrameCount = limitFrameCount }

    /// - Throws: `.noPixelData` when the data set ends before its pixels, and what the walk and the values throw.
    static func read(
        _ bytes: RawSpan, encoding: DICOMEncoding, offset: Int, strictness: DICOMStrictness, limitFrameCount: Int
    ) throws(DICOMError) -> (ImageHeader, PixelElement) {
        var walker = DataSetWalker(bytes, encoding: encoding, offset: offset, strictness: strictness)
        var reader = HeaderReader(limitFrameCount: limitFrameCount)
        while let event = try walker.next() {
            switch event {
            case .element(let element):
                if reader.path.isEmpty, element.tag == .pixelData { return (reader.header, .native(element)) }
                if reader.path.isEmpty, element.tag == .floatPixelData || element.tag == .doubleFloatPixelData {
                    throw .unsupportedPixels(.floatingPoint)
                }
                try reader.record(element, in: bytes)
            case .sequenceStart(let element):
                if !reader.isUsed(element.tag) {
                    if try walker.skipSequence() { continue }
                }
                reader.path.append(element.tag)
            case .sequenceEnd: reader.path.removeLast()
            case .itemStart: reader.startItem()
            case .itemEnd: reader.endItem()
            case .fragment, .fragmentsEnd: break
            case .fragmentsStart(let element):
                let fragments = try readFragments(&walker)
                if reader.path.isEmpty, element.tag == .pixelData { return (reader.header, .encapsulated(fragments)) }
            }
        }
        throw .noPixelData
    }

    @_lifetime(walker: copy walker)
    private static func readFragments(_ walker: inout DataSetWalker) throws(DICOMError) -> [Range<Int>] {
        var fragments: [Range<Int>] = []
        while let event = try walker.next() {
            guard case .fragment(let range) = event else { return fragments }
            fragments.append(range)
        }
        // The end of the file in place of the delimiter.
        throw .truncated(offset: walker.offset, needed: 8, available: 0)
    }

    private func isUsed(_ tag: DICOMTag) -> Bool {
        switch path.count {
        case 0: HeaderReader.sequences.contains(tag)
        case 1 where path[0] == .sharedFunctionalGroups || path[0] == .perFrameFunctionalGroups: HeaderReader.functionalGroups.contains(tag)
        default: false
        }
    }

    private static let sequences: [DICOMTag] = [
        .modalityLookupTable, .voiLookupTable, .viewCodeSequence, .sharedFunctionalGroups, .perFrameFunctionalGroups,
    ]
    private static let functionalGroups: [DICOMTag] = [
        .pixelMeasuresSequence, .frameVOISequence, .pixelValueTransformationSequence, .planePositionSequence, .planeOrientationSequence,
        .frameAnatomySequence,
    ]

    private mutating func startItem() {
        guard path.count == 1 else { return }
        switch path[0] {
        case .modalityLookupTable: header.modalityTableCount += 1
        case .voiLookupTable: header.voiTableCount += 1
        case .viewCodeSequence: header.viewCodeCount += 1
        case .perFrameFunctionalGroups:
            framesSeen += 1
            frame = ImageHeader.FrameFields()
        default: break
        }
    }

    private mutating func endItem() {
        guard path.count == 1, path[0] == .perFrameFunctionalGroups else { return }
        // Items past the number of frames, which comes before them, say nothing.
        if framesSeen <= min(header.frameCount ?? 1, limitFrameCount) { header.frames.append(frame) }
    }

    private mutating func record(_ element: DataElement, in bytes: RawSpan) throws(DICOMError) {
        switch path.count {
        case 0: try header.record(element, in: bytes)
        case 1 where path[0] == .modalityLookupTable && header.modalityTableCount == 1: header.modalityTable.record(element)
        case 1 where path[0] == .voiLookupTable && header.voiTableCount == 1: header.voiTable.record(element)
        case 1 where path[0] == .viewCodeSequence && header.viewCodeCount == 1: header.viewCode.record(element.tag, ElementValue(element, in: bytes))
        case 2 where HeaderReader.functionalGroups.contains(path[1]):
            let value = ElementValue(element, in: bytes)
            if path[0] == .sharedFunctionalGroups {
                _ = try header.shared.record(element.tag, value)
            } else if path[0] == .perFrameFunctionalGroups {
                _ = try frame.record(element.tag, value)
            }
        default: break
        }
    }
}

extension ImageHeader.TableElements {
    fileprivate mutating func record(_ element: DataElement) {
        if element.tag == .lookupTableDescriptor { descriptor = element }
        if element.tag == .lookupTableData { data = element }
    }
}
