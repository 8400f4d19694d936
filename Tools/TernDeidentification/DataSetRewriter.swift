import TernBytes
import TernDICOM

/// Writes a data set anew, element by element, each as its rule says. Nothing is copied that no rule keeps.
struct DataSetRewriter {
    /// An open sequence that is written.
    private struct Level {
        /// Table E.1-1 demands dummies (D) in place of the content: structure and codes stay, values do not.
        var isDummy: Bool
        /// Codes that stand for a person.
        var isIdentity: Bool
        var item = 0
    }
    /// A value that replaces whatever the input has at the top level; nil takes the attribute away.
    struct Override: Sendable {
        var representation: VR
        var value: [UInt8]
    }

    private let source: SourceFile
    private let facts: DataSetFacts
    private let policy: ElementPolicy
    private var writer = ElementWriter()
    private var levels: [Level] = []
    private(set) var actions = DeidentificationReport.Actions()
    /// By tag; those that are due are written before the next element.
    private var overrides: [(tag: DICOMTag, override: Override?)]
    private var overridden: Set<UInt32>
    private let methodCodes: [String]
    private let replacedPixels: NativePixels?
    private let frames: CompressedFrames?

    init(
        _ source: SourceFile, facts: DataSetFacts, policy: ElementPolicy, overrides: [UInt32: Override?], methodCodes: [String], replacedPixels: NativePixels?,
        frames: CompressedFrames?
    ) {
        self.source = source
        self.facts = facts
        self.policy = policy
        self.overrides = overrides.map { (DICOMTag(number: $0.key), $0.value) }.sorted { $0.tag.number > $1.tag.number }
        overridden = Set(overrides.keys)
        self.methodCodes = methodCodes
        self.replacedPixels = replacedPixels
        self.frames = frames
        writer.reserve(source.bytes.count - source.offset + 4_096)
    }

    /// The data set, to be appended to the file meta information.
    mutating func rewrite() throws(DICOMError) -> ElementWriter {
        let source = source
        let end = facts.end ?? source.bytes.count
        var walker = DataSetWalker(source.bytes.rawBytes.extracting(0..<end), encoding: source.encoding, offset: source.offset)
        while let event = try walker.next() {
            switch event {
            case .element(let element): write(element)
            case .sequenceStart(let element):
                if !begin(element), try !walker.skipSequence() { try pass(&walker) }
            case .itemStart(let offset):
                levels[levels.count - 1].item = offset
                writer.beginItem()
            case .itemEnd: writer.endItem()
            case .sequenceEnd:
                levels.removeLast()
                writer.endSequence()
            case .fragmentsStart(let element):
                // Pixels inside a sequence are icons of the picture, which were not cleaned.
                let isPicture = levels.isEmpty && element.tag == .pixelData
                if isPicture { writeDue(before: element.tag) } else { actions.removedBulk += 1 }
                while let event = try walker.next(), case .fragment = event {}
                if isPicture, let replacedPixels { writePixels(replacedPixels.bytes) } else if isPicture, let frames { write(frames) }
            case .fragment, .fragmentsEnd: break
            }
        }
        writeDue(before: nil)
        return writer
    }

    /// Passes over what is left of the sequence that has just been started.
    private func pass(_ walker: inout DataSetWalker) throws(DICOMError) {
        var open = 1
        while open > 0, let event = try walker.next() {
            switch event {
            case .sequenceStart, .fragmentsStart: open += 1
            case .sequenceEnd, .fragmentsEnd: open -= 1
            default: break
            }
        }
    }

    /// One fragment for each frame behind an empty offset table.
    private mutating func write(_ frames: CompressedFrames) {
        writer.beginFragments(.pixelData)
        writer.writeFragment([UInt8]())
        for frame in frames.frames { writer.writeFragment(frame) }
        writer.endSequence()
        actions.kept += 1
        actions.codeStreamSegmentsDropped += frames.droppedCount
    }

    // MARK: Sequences

    /// Gives whether the content of the sequence is to be walked.
    private mutating func begin(_ element: DataElement) -> Bool {
        if levels.isEmpty { writeDue(before: element.tag) }
        if levels.isEmpty, overridden.contains(element.tag.number) { return false }
        switch policy.sequence(element, isDummy: levels.last?.isDummy ?? false) {
        case .remove(let reason):
            actions.count(reason)
            return false
        case .empty:
            actions.emptied += 1
            writer.writeEmptySequence(element.tag)
            return false
        case .walk(let isDummy):
            if isDummy { actions.replaced += 1 } else { actions.kept += 1 }
            levels.append(Level(isDummy: isDummy, isIdentity: element.tag == DICOMTag(0x0040, 0x1101) || levels.last?.isIdentity ?? false))
            writer.beginSequence(element.tag)
            return true
        }
    }

    // MARK: Elements

    private mutating func write(_ element: DataElement) {
        if levels.isEmpty { writeDue(before: element.tag) }
        if levels.isEmpty, overridden.contains(element.tag.number) { return }
        if element.tag == .pixelData {
            guard levels.isEmpty else {
                actions.removedBulk += 1
                return
            }
            return writePixels(replacedPixels?.bytes ?? nativePixels(element))
        }
        let value = Array(source.bytes[element.valueRange])
        let code = levels.last.flatMap { $0.isIdentity ? nil : facts.codes[$0.item] } ?? CodedEntry()
        switch policy.element(element, value: value, code: code, isDummy: levels.last?.isDummy ?? false) {
        case .remove(let reason): actions.count(reason)
        case .write(let representation, let value, let reason):
            actions.count(reason)
            // A length of two bytes ends at 65,534; what does not fit says nothing technical.
            guard representation.hasLongLength || value.count <= 65_534 else { return writer.write(element.tag, representation, [UInt8]()) }
            writer.write(element.tag, representation, value)
        }
    }

    /// The native pixels in little endian, without what lies behind the last frame.
    private func nativePixels(_ element: DataElement) -> [UInt8] {
        var value = source.bytes[element.valueRange]
        if let count = facts.pixelByteCount, count < value.count { value = value.prefix(count) }
        var bytes = Array(value)
        if element.isBigEndian {
            let isByte = element.representation == .otherByte
            swapBytes(&bytes, unit: isByte ? 1 : max(facts.bitsAllocated / 8, 2))
        }
        return bytes
    }

    /// PS3.5 2024d A.2: more than eight bits are words.
    private mutating func writePixels(_ bytes: [UInt8]) {
        writer.write(.pixelData, (replacedPixels?.bitsAllocated ?? facts.bitsAllocated) > 8 ? .OW : .OB, bytes)
        actions.kept += 1
    }

    /// Writes the replacements whose place comes before `tag`, or all that are left.
    private mutating func writeDue(before tag: DICOMTag?) {
        while let due = overrides.last, tag.map({ due.tag.number <= $0.number }) ?? true {
            overrides.removeLast()
            guard let override = due.override else { continue }
            if override.representation == .SQ {
                writeMethodCodes(due.tag)
            } else {
                writer.write(due.tag, override.representation, override.value)
            }
        }
    }

    /// De-identification Method Code Sequence, CID 7050 of PS3.16.
    private mutating func writeMethodCodes(_ tag: DICOMTag) {
        writer.beginSequence(tag)
        for code in methodCodes {
            writer.beginItem()
            writer.write(DICOMTag(0x0008, 0x0100), .SH, text: code)
            writer.write(DICOMTag(0x0008, 0x0102), .SH, text: "DCM")
            writer.write(DICOMTag(0x0008, 0x0104), .LO, text: MethodCode.meaning(code))
            writer.endItem()
        }
        writer.endSequence()
    }
}

/// Turns every `unit` bytes round; an incomplete unit at the end stays.
func swapBytes(_ bytes: inout [UInt8], unit: Int) {
    guard unit > 1 else { return }
    for start in stride(from: 0, to: bytes.count - bytes.count % unit, by: unit) { bytes[start..<(start + unit)].reverse() }
}
