import TernBytes
public import TernPlatform

/// A model file that has been validated as a whole; its views cannot fail.
public final class ModelFile {
    /// What the file says about who made it.
    public enum Signature: Equatable, Sendable {
        case unsigned
        /// Valid under this Ed25519 public key (32 bytes).
        case valid(publicKey: [UInt8])
    }
    /// What the caller demands beyond a well-formed file.
    public struct Options: Equatable, Sendable {
        /// False leaves out the digests of the golden vectors and the weights and the scan of their values (F-14, F-15, F-19, parts of F-08 and
        /// F-23). Everything else is always checked: identity, signature, and the digests of plan, recipe, labels and card.
        public var verifiesContent: Bool
        /// Whether a file without a signature loads.
        public var allowsUnsigned: Bool
        /// When not empty, only files signed by one of these Ed25519 public keys (32 bytes each) load.
        public var trustedKeys: [[UInt8]]
        public init(verifiesContent: Bool = true, allowsUnsigned: Bool = false, trustedKeys: [[UInt8]] = []) {
            self.verifiesContent = verifiesContent
            self.allowsUnsigned = allowsUnsigned
            self.trustedKeys = trustedKeys
        }
    }
    /// Name, shapes and arena.
    public let header: ModelHeader
    /// The tensor table; `bytes(ofTensor:)` gives the values.
    public let tensors: [Tensor]
    /// The plan, in the order in which the engine runs it.
    public let operations: [NamedOperation]
    /// How an image becomes the input.
    public let recipe: InputRecipe
    /// How outputs become findings.
    public let labels: Labels
    /// BLAKE2b-256 of the header, 32 bytes.
    public let identity: [UInt8]
    /// Already verified.
    public let signature: Signature
    /// 1 ... 64.
    public let goldenCount: Int
    private let sections: SectionTable
    private let mapping: MappedFile

    /// Checks every rule of Models/FORMAT.md.
    ///
    /// - Throws: `ModelFileError` of the first rule that is broken; the order is header, sections, tensors, recipe, labels, card, golden
    ///   vectors, plan, weights.
    /// - Cost: linear in the file; memory for the tables only, at most about three times their bytes in the file.
    public init(validating mapping: MappedFile, options: Options = Options()) throws(ModelFileError) {
        let file = mapping.bytes
        let page = try readHeaderPage(file, options: options)
        let sections = try SectionTable(validating: file, count: page.sectionCount, options: options)
        let tensors = try readTensors(file, sections: sections, count: page.tensorCount)
        let recipe = try readRecipe(file, sections: sections, header: page.header)
        let labels = try readLabels(file, sections: sections, header: page.header)
        try checkCard(file.extracting(sections[.card]))
        let golden = file.extracting(sections[.golden])
        let goldenCount = try checkGoldenHead(golden, header: page.header, fileOffset: sections[.golden].lowerBound)
        let plan = try Plan(
            validating: file, sections: sections, count: page.operationCount, header: page.header, tensors: tensors)
        if options.verifiesContent {
            try checkGoldenValues(golden)
            try checkWeights(file.extracting(sections[.weights]), tensors: tensors, scaleTensors: plan.scaleTensors)
        }
        header = page.header
        identity = page.identity
        signature = page.signature
        operations = plan.operations
        self.sections = sections
        self.tensors = tensors
        self.recipe = recipe
        self.labels = labels
        self.goldenCount = goldenCount
        self.mapping = mapping
    }

    /// The packed bytes of a tensor, in place, aligned to 64 bytes.
    ///
    /// - Precondition: `index` is one of the tensor table.
    @_lifetime(borrow self)
    public func bytes(ofTensor index: Int) -> RawSpan {
        let start = sections[.weights].lowerBound + tensors[index].byteOffset
        return mapping.bytes(heldBy: self).extracting(start..<(start + tensors[index].byteCount))
    }

    /// The prepared input of a golden vector, f32 [channels, height, width].
    ///
    /// - Precondition: 0 <= index < goldenCount.
    @_lifetime(borrow self)
    public func goldenInput(_ index: Int) -> RawSpan {
        let start = goldenStart(index)
        return mapping.bytes(heldBy: self).extracting(start..<(start + header.inputValueCount * 4))
    }

    /// The expected output of a golden vector, f32 [outputs].
    ///
    /// - Precondition: 0 <= index < goldenCount.
    @_lifetime(borrow self)
    public func goldenOutput(_ index: Int) -> RawSpan {
        let start = goldenStart(index) + header.inputValueCount * 4
        return mapping.bytes(heldBy: self).extracting(start..<(start + header.outputCount * 4))
    }

    /// The model card, UTF-8 JSON.
    public var card: RawSpan {
        @_lifetime(borrow self) get { mapping.bytes(heldBy: self).extracting(sections[.card]) }
    }

    /// The whole file.
    public var fileBytes: RawSpan {
        @_lifetime(borrow self) get { mapping.bytes(heldBy: self) }
    }

    private func goldenStart(_ index: Int) -> Int {
        precondition(index >= 0 && index < goldenCount, "golden vector out of range")
        let byteCount = (header.inputValueCount + header.outputCount) * 4
        return sections[.golden].lowerBound + ModelFormat.goldenHeadByteCount + index * byteCount
    }
}

extension ModelHeader {
    /// Values of the input image: channels * height * width, which a validated header keeps inside the arena.
    public var inputValueCount: Int { channels * height * width }
}
