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
    /// Named thresholds with what was measured there: labels ascend, and a label's thresholds do not descend. A label that has points has its own
    /// threshold among them. Empty for a file without that section.
    public let operatingPoints: [OperatingPoint]
    /// The cases that the operating points were measured on, for example `validation`; empty without points.
    public let operatingPointsMeasuredOn: String
    /// What the out-of-distribution gate needs; nil for a file without that section.
    public let featureStatistics: FeatureStatistics?
    /// What an image must be to be given to the model; nil for a file without that section.
    public let qualityRules: QualityRules?
    /// How the scores were distributed on the card's cases; nil for a file without that section.
    public let scoreReference: ScoreReference?
    /// How sure scores are and what part of the body they are about; nil for a file without that section.
    public let readingRules: ReadingRules?
    /// BLAKE2b-256 of what decides outputs and calls, 32 bytes; the same for two files that differ in card, golden vectors or signature only.
    public let confirmation: [UInt8]
    /// Whether the thresholds were confirmed for just what decides outputs and calls here. A model that is not confirmed never says positive or negative.
    ///
    /// False without `Options.verifiesContent`: nobody has then seen that the weights are those of the digest that the confirmation covers.
    public var isConfirmed: Bool { verifiesContent && readingRules?.confirmation == confirmation }
    /// BLAKE2b-256 of the header, 32 bytes.
    public let identity: [UInt8]
    /// Already verified.
    public let signature: Signature
    /// 1 ... 64.
    public var goldenCount: Int { golden.count }
    private let golden: GoldenSection
    private let sections: SectionTable
    private let mapping: MappedFile
    private let verifiesContent: Bool

    /// Checks every rule of Models/FORMAT.md.
    ///
    /// - Throws: `ModelFileError` of the first rule that is broken; the order is header, sections, tensors, recipe, labels, operating points,
    ///   quality gate, score reference, reading rules, card, golden vectors, plan, feature statistics, weights.
    /// - Cost: linear in the file; memory for the tables only, at most about three times their bytes in the file.
    public init(validating mapping: MappedFile, options: Options = Options()) throws(ModelFileError) {
        let file = mapping.bytes
        let page = try readHeaderPage(file, options: options)
        let sections = try SectionTable(validating: file, count: page.sectionCount, minor: page.minor, options: options)
        let tensors = try readTensors(file, sections: sections, page: page)
        let recipe = try readRecipe(file, sections: sections, header: page.header)
        let labels = try readLabels(file, sections: sections, header: page.header)
        let points = try OperatingPoints(validating: file, sections: sections, labels: labels)
        let rules = try readQualityRules(file, sections: sections, recipe: recipe)
        let reference = try readScoreReference(file, sections: sections, labels: labels)
        let reading = try readReadingRules(file, sections: sections, labels: labels)
        try checkCard(file.extracting(sections[.card]))
        let goldenBytes = file.extracting(sections[.golden])
        let golden = try GoldenSection(validating: goldenBytes, page: page, fileOffset: sections[.golden].lowerBound)
        let plan = try Plan(
            validating: file, sections: sections, count: page.operationCount, header: page.header, tensors: tensors)
        let statistics = try readFeatureStatistics(file, sections: sections, header: page.header, operations: plan.operations)
        if options.verifiesContent {
            try golden.checkValues(goldenBytes)
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
        operatingPoints = points.points
        operatingPointsMeasuredOn = points.measuredOn
        featureStatistics = statistics
        qualityRules = rules
        scoreReference = reference
        readingRules = reading
        confirmation = SectionTable.confirmation(of: file, count: page.sectionCount, minor: page.minor)
        self.golden = golden
        self.mapping = mapping
        verifiesContent = options.verifiesContent
    }

    /// The packed bytes of a tensor, in place, aligned to 64 bytes.
    ///
    /// - Precondition: `index` is one of the tensor table.
    @_lifetime(borrow self)
    public func bytes(ofTensor index: Int) -> RawSpan {
        let start = sections[.weights].lowerBound + tensors[index].byteOffset
        return mapping.bytes(heldBy: self).extracting(start..<(start + tensors[index].byteCount))
    }

    /// Writes the prepared input of a golden vector, f32 [channels, height, width]: the file's values, or those of its seed.
    ///
    /// - Precondition: 0 <= index < goldenCount; `values` has as many elements as the input.
    public func copyGoldenInput(_ index: Int, into values: inout MutableSpan<Float>) {
        precondition(values.count == golden.inputCount, "the golden input has another size")
        if let seed = goldenSeed(index) {
            for value in values.indices { values[value] = GoldenGenerator.value(seed: seed, index: value) }
            return
        }
        let bytes = goldenBytes(golden.inputOffset(index), 4 * golden.inputCount)
        for value in values.indices { values[value] = bytes.floatLE(at: 4 * value) }
    }

    /// The seed of a golden vector's input; nil when the file has the input's values.
    ///
    /// - Precondition: 0 <= index < goldenCount.
    public func goldenSeed(_ index: Int) -> UInt64? {
        precondition(index >= 0 && index < goldenCount, "golden vector out of range")
        guard golden.isGenerated else { return nil }
        return goldenBytes(golden.inputOffset(index), ModelFormat.goldenSeedByteCount).uint64LE(at: 0)
    }

    /// The expected output of a golden vector, f32 [outputs].
    ///
    /// - Precondition: 0 <= index < goldenCount.
    @_lifetime(borrow self)
    public func goldenOutput(_ index: Int) -> RawSpan {
        precondition(index >= 0 && index < goldenCount, "golden vector out of range")
        return goldenBytes(golden.outputOffset(index), 4 * golden.outputCount)
    }

    /// The numbers of the feature statistics as binary32, in place, aligned to 64 bytes: mean [C], inverse variances [r], directions [r][C]; empty
    /// without statistics.
    public var featureValues: RawSpan {
        @_lifetime(borrow self) get {
            let range = sections.featureStatistics.map { ($0.lowerBound + ModelFormat.featureStatisticsHeadByteCount)..<$0.upperBound } ?? 0..<0
            return mapping.bytes(heldBy: self).extracting(range)
        }
    }

    /// The model card, UTF-8 JSON.
    public var card: RawSpan {
        @_lifetime(borrow self) get { mapping.bytes(heldBy: self).extracting(sections[.card]) }
    }

    /// The whole file.
    public var fileBytes: RawSpan {
        @_lifetime(borrow self) get { mapping.bytes(heldBy: self) }
    }

    @_lifetime(borrow self)
    private func goldenBytes(_ offset: Int, _ byteCount: Int) -> RawSpan {
        let start = sections[.golden].lowerBound + offset
        return mapping.bytes(heldBy: self).extracting(start..<(start + byteCount))
    }
}

extension ModelHeader {
    /// Values of the input image: channels * height * width, which a validated header keeps inside the arena.
    public var inputValueCount: Int { channels * height * width }
}
