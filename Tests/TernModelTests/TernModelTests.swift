import TernBytes
import TernKernels
import TernModel
import TernPlatform
import TernWriter
import Testing

func load(_ bytes: [UInt8], _ options: ModelFile.Options = .init(allowsUnsigned: true)) throws -> ModelFile {
    try ModelFile(validating: try MappedFile(copying: bytes), options: options)
}

@Suite struct ModelFileTests {
    @Test func readsWhatTheWriterWrote() throws {
        let draft = try SampleModel.draft()
        let bytes = try ModelWriter.bytes(of: draft)
        let file = try load(bytes)
        #expect(ModelDraft(file) == draft)
        #expect(file.signature == .unsigned)
        #expect(file.identity == Digest.blake2b256(Array(bytes[..<3840])))
        #expect(file.fileBytes.array == bytes)
        #expect(file.card.array == SampleModel.card)
    }

    @Test func readsPointsAndStatistics() throws {
        let draft = try SampleModel.measuredDraft()
        let bytes = try ModelWriter.bytes(of: draft)
        #expect(bytes[8..<16] == [1, 0, 3, 0, 0, 0, 0, 0])
        let file = try load(bytes)
        #expect(ModelDraft(file) == draft)
        #expect(file.operatingPoints.map(\.name) == ["sensitive", "youden", "specific"] && file.operatingPointsMeasuredOn == "validation")
        #expect(file.featureStatistics == FeatureStatistics(byteOffset: 1216, count: 8, rank: 2, threshold: 1.75, residualPrecision: 12, falseAlarmRate: 0.01))
        #expect(file.featureValues.byteCount == 4 * (8 + 2 + 16))
        let address = unsafe file.featureValues.withUnsafeBytes { UInt(bitPattern: $0.baseAddress) }
        #expect(address % 64 == 0)
    }

    @Test func readsAQualityGate() throws {
        let draft = try SampleModel.gatedDraft()
        var bytes = try ModelWriter.bytes(of: draft)
        #expect(bytes[8..<16] == [1, 0, 4, 0, 0, 0, 0, 0])
        let file = try load(bytes)
        #expect(ModelDraft(file) == draft)
        let rules = try #require(file.qualityRules)
        #expect(rules.rule(.viewPosition)?.text == "AP,PA" && rules.rule(.blur) == nil && rules.measuredOn == "test" && rules.refused == 3)
        // Without the other sections, and in a version before it.
        var alone = try SampleModel.draft()
        alone.qualityRules = draft.qualityRules
        #expect(ModelDraft(try load(try ModelWriter.bytes(of: alone))) == alone)
        bytes[10] = 3
        ModelWriter.reseal(&bytes)
        let older = try load(bytes)
        #expect(older.qualityRules == nil && older.featureStatistics != nil)
    }

    @Test func readsAScoreReference() throws {
        let draft = try SampleModel.scoredDraft()
        var bytes = try ModelWriter.bytes(of: draft)
        #expect(bytes[8..<16] == [1, 0, 5, 0, 0, 0, 0, 0])
        let file = try load(bytes)
        #expect(ModelDraft(file) == draft)
        #expect(file.scoreReference?.labels.map(\.labelIndex) == [1] && file.scoreReference?.measuredOn == "test")
        // Without the other sections, and in a version before it.
        var alone = try SampleModel.draft()
        alone.scoreReference = draft.scoreReference
        #expect(ModelDraft(try load(try ModelWriter.bytes(of: alone))) == alone)
        bytes[10] = 4
        ModelWriter.reseal(&bytes)
        let older = try load(bytes)
        #expect(older.scoreReference == nil && older.qualityRules != nil)
    }

    @Test(arguments: [2, 15]) func aDistributionHasTwoToFifteenBins(binCount: Int) throws {
        var draft = try SampleModel.draft()
        let edges = (1..<binCount).map { Float($0) / Float(binCount) }
        let one = ScoreDistribution(labelIndex: 1, edges: edges, counts: [Int](repeating: 7, count: binCount))
        draft.scoreReference = ScoreReference(labels: [one], measuredOn: "test", cases: 7 * binCount)
        #expect(ModelDraft(try load(try ModelWriter.bytes(of: draft))) == draft)
    }

    @Test(arguments: [1, 16]) func theWriterRefusesOtherCountsOfBins(binCount: Int) throws {
        var draft = try SampleModel.draft()
        let one = ScoreDistribution(labelIndex: 1, edges: [Float](repeating: 0.5, count: binCount - 1), counts: [Int](repeating: 7, count: binCount))
        draft.scoreReference = ScoreReference(labels: [one], measuredOn: "test", cases: 7 * binCount)
        #expect(throws: WriterError.count(tensor: "score reference", expected: 15, actual: binCount)) { try ModelWriter.bytes(of: draft) }
    }

    @Test(arguments: [(9.5, false), (9.499, true), (.infinity, false), (.nan, true)] as [(Float, Bool)])
    func refusesWhatIsBelowALeastThresholdOrNoNumber(value: Float, isRefused: Bool) {
        #expect(QualityRule(criterion: .contrast, threshold: 9.5, cases: 1, refused: 0).refuses(value) == isRefused)
        #expect(QualityRule(criterion: .blur, threshold: 0.5, cases: 1, refused: 0).refuses(.nan))
        #expect(QualityRule(criterion: .blur, threshold: 0.5, cases: 1, refused: 0).refuses(0.5) == false)
    }

    @Test func theFeatureIsWhatALastNormReads() throws {
        var draft = try SampleModel.measuredDraft()
        draft.normBeforeHead(writing: 1312)
        let file = try ModelFile(validating: MappedFile(copying: try ModelWriter.uncheckedBytes(of: draft)), options: .init(allowsUnsigned: true))
        #expect(file.featureStatistics?.byteOffset == 1216)
    }

    @Test func eitherSectionStandsAlone() throws {
        var draft = try SampleModel.measuredDraft()
        draft.operatingPoints = nil
        draft.featureStatistics?.precisions = []
        draft.featureStatistics?.basis = []
        #expect(ModelDraft(try load(try ModelWriter.bytes(of: draft))) == draft)
        draft = try SampleModel.measuredDraft()
        draft.featureStatistics = nil
        #expect(ModelDraft(try load(try ModelWriter.bytes(of: draft))) == draft)
    }

    /// The kinds have no meaning in a version before them: such a file is read as by a reader of its time.
    @Test func versionsBeforeTheSectionsIgnoreThem() throws {
        var bytes = try ModelWriter.bytes(of: SampleModel.measuredDraft())
        bytes[10] = 2
        ModelWriter.reseal(&bytes)
        let file = try load(bytes)
        #expect(file.operatingPoints.isEmpty && file.operatingPointsMeasuredOn.isEmpty && file.featureStatistics == nil && file.featureValues.isEmpty)
    }

    @Test(arguments: [(1.75, false), (0, false), (1.7500001, true), (.infinity, true), (.nan, true)] as [(Float, Bool)])
    func flagsWhatIsAboveTheThresholdOrNoNumber(score: Float, isFlagged: Bool) throws {
        let statistics = FeatureStatistics(byteOffset: 1216, count: 8, rank: 2, threshold: 1.75, residualPrecision: 12, falseAlarmRate: 0.01)
        #expect(statistics.isFlagged(score) == isFlagged)
    }

    @Test(arguments: 0..<300 as Range<UInt64>)
    func readsBackEveryRandomDraft(seed: UInt64) throws {
        let draft = try RandomModel.draft(seed: seed)
        #expect(ModelDraft(try load(try ModelWriter.bytes(of: draft))) == draft)
    }

    @Test func givesTensorsInPlaceAtAlignedAddresses() throws {
        let draft = try SampleModel.draft()
        let file = try load(try ModelWriter.bytes(of: draft))
        for (index, tensor) in draft.tensors.enumerated() {
            let bytes = file.bytes(ofTensor: index)
            #expect(bytes.array == tensor.bytes)
            let address = unsafe bytes.withUnsafeBytes { UInt(bitPattern: $0.baseAddress) }
            #expect(address % 64 == 0)
        }
    }

    @Test func keepsTheIdentityWhenSigned() throws {
        var bytes = try SampleModel.bytes()
        let identity = try load(bytes).identity
        let pair = try Ed25519.makeKeyPair()
        try ModelWriter.sign(&bytes, secretKey: pair.secretKey)
        let file = try load(bytes, .init(trustedKeys: [pair.publicKey]))
        #expect(file.identity == identity)
        #expect(file.signature == .valid(publicKey: pair.publicKey))
    }

    /// The identity covers every byte but the signature: digests of sections stand in the header.
    @Test func identityChangesWithEveryPart() throws {
        let base = try SampleModel.draft()
        var identities = Set<[UInt8]>()
        identities.insert(try load(try ModelWriter.bytes(of: base)).identity)
        let changes: [@Sendable (inout ModelDraft) -> Void] = [
            { $0.header.name = "other" }, { $0.header.version = "2" }, { $0.header.arenaByteCount += 64 }, { $0.card += [0x20] },
            { $0.tensors[3].bytes[0] ^= 1 }, { $0.operations[3].operation.layerNorm.epsilon = 1e-5 }, { $0.recipe.filter = .lanczos },
            { $0.labels.temperature = 2 }, { $0.golden[0].input[0] = 1 },
        ]
        for change in changes {
            var draft = base
            change(&draft)
            identities.insert(try load(try ModelWriter.bytes(of: draft)).identity)
        }
        #expect(identities.count == changes.count + 1)
    }

    @Test func ignoresAnUnknownSectionThatMayBeIgnored() throws {
        let draft = try SampleModel.draft()
        let sections = try ModelWriter.sections(of: draft)
        for extra in [[], [1, 2, 3], [UInt8](repeating: 9, count: 5000)] as [[UInt8]] {
            let added = [DraftSection(kind: 9, flags: 0, bytes: extra), DraftSection(kind: 0x8000_0000, flags: 0, bytes: [7])]
            let bytes = try ModelWriter.assemble(draft, sections: sections + added)
            #expect(ModelDraft(try load(bytes)) == draft)
        }
    }

    @Test func readsALaterMinorVersion() throws {
        let bytes = patch(try SampleModel.bytes(), at: 10, [7, 0])
        #expect(ModelDraft(try load(bytes)) == (try SampleModel.draft()))
    }

    @Test func leavesContentUncheckedOnlyWhenAsked() throws {
        var bytes = try SampleModel.bytes()
        bytes[28_672] ^= 1
        let file = try load(bytes, .init(verifiesContent: false, allowsUnsigned: true))
        #expect(file.tensors.count == 12)
        #expect(throws: ModelFileError.sectionDigest(kind: 7)) { try load(bytes) }
    }

    @Test func headerLayoutIsThatOfThePage() {
        #expect(ModelFormat.sectionTableOffset + ModelFormat.sectionRecordCapacity * ModelFormat.sectionRecordByteCount == 1280)
        #expect(ModelFormat.identityOffset + ModelFormat.digestByteCount == ModelFormat.signatureKindOffset)
        #expect(ModelFormat.publicKeyOffset + Ed25519.publicKeyByteCount == ModelFormat.signatureOffset)
        #expect(ModelFormat.signatureOffset + Ed25519.signatureByteCount == 4000)
        #expect(ModelFormat.signedMessage(identity: [UInt8](repeating: 0, count: 32)).count == 51)
        #expect(ModelFormat.limitSections <= ModelFormat.sectionRecordCapacity)
        #expect(255 * 127 * ModelFormat.limitByteDepth <= Int(Int32.max))
        #expect(127 * 127 * ModelFormat.limitTernaryDepth <= Int(Int32.max))
        #expect(255 * 127 * ModelFormat.limitTokens <= Int(Int32.max))
        #expect(127 * 127 * ModelFormat.limitHeadWidth <= Int(Int32.max))
    }

    /// What the reader admits, the kernels can be prepared for; one more they refuse.
    @Test func kernelsTakeTheLimitsOfThePage() throws {
        var capacity = KernelCapacity()
        try capacity.addLinear(rows: 1, columns: 64, depth: ModelFormat.limitByteDepth)
        try capacity.addLinear(rows: 1, columns: 64, depth: ModelFormat.limitTernaryDepth)
        try capacity.addAttention(tokens: ModelFormat.limitTokens, width: ModelFormat.limitHeadWidth)
        #expect(throws: KernelError.limit) { try capacity.addLinear(rows: 1, columns: 64, depth: ModelFormat.limitTernaryDepth + 1) }
        #expect(throws: KernelError.limit) { try capacity.addAttention(tokens: ModelFormat.limitTokens + 1, width: 1) }
        #expect(throws: KernelError.limit) { try capacity.addAttention(tokens: 1, width: ModelFormat.limitHeadWidth + 1) }
    }
}
