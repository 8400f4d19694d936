import TernModel
import TernPlatform
import TernWriter
import Testing

@Suite struct ReadingRulesTests {
    @Test func rulesAreReadAsTheyWereWritten() throws {
        let draft = try SampleModel.readingDraft()
        let bytes = try ModelWriter.bytes(of: draft)
        #expect(bytes[8..<16] == [1, 0, 6, 0, 0, 0, 0, 0])
        let file = try load(bytes)
        #expect(ModelDraft(file) == draft && file.isConfirmed)
        #expect(file.readingRules?.labels[1].chineseName == "肺炎" && file.readingRules?.region == "chest")
        // Without the other sections, and with nothing but a confirmation.
        var alone = try SampleModel.draft()
        alone.readingRules = ReadingRules(chosenOn: "a", measuredOn: "b", labels: [LabelRules(), LabelRules()])
        let unconfirmed = try load(try ModelWriter.bytes(of: alone))
        #expect(!unconfirmed.isConfirmed && ModelDraft(unconfirmed) == alone)
        alone.readingRules?.confirmation = unconfirmed.confirmation
        #expect(try load(try ModelWriter.bytes(of: alone)).isConfirmed)
    }

    @Test func anEarlierVersionIsRead_andIsNotConfirmed() throws {
        #expect(try !load(try ModelWriter.bytes(of: SampleModel.scoredDraft())).isConfirmed)
        var bytes = try ModelWriter.bytes(of: SampleModel.readingDraft())
        bytes[10] = 5
        ModelWriter.reseal(&bytes)
        let older = try load(bytes)
        #expect(older.readingRules == nil && !older.isConfirmed && older.scoreReference != nil)
    }

    /// The confirmation covers the digest of the weights; only a reader that has hashed them knows that they are those.
    @Test func contentThatWasNotVerifiedIsNotConfirmed() throws {
        var bytes = try ModelWriter.bytes(of: SampleModel.readingDraft())
        let sure = try load(bytes)
        let unseen = try load(bytes, .init(verifiesContent: false, allowsUnsigned: true))
        #expect(sure.isConfirmed && !unseen.isConfirmed && unseen.readingRules == sure.readingRules && unseen.confirmation == sure.confirmation)
        var draft = try SampleModel.readingDraft()
        draft.tensors[2].bytes[0] ^= 1
        let other = try ModelWriter.bytes(of: draft)
        // The weights alone differ behind the header.
        let weight = try #require(bytes.indices.first { $0 >= ModelFormat.headerByteCount && bytes[$0] != other[$0] })
        bytes[weight] ^= 1
        #expect(throws: ModelFileError.sectionDigest(kind: 7)) { _ = try load(bytes) }
        #expect(try !load(bytes, .init(verifiesContent: false, allowsUnsigned: true)).isConfirmed)
    }

    /// The confirmation does not cover this section; the signature does.
    @Test func theSignatureGuardsTiersAndSets() throws {
        let changes: [(inout ReadingRules) -> Void] = [
            { $0.labels[1].tiers?.negativeHigh = 0.125 }, { $0.labels[1].tiers?.positiveMedium = 0.75 }, { $0.conformalLevel = 0.5 },
            { $0.labels[0].conformal?.least = 0.25 },
        ]
        var signed = try ModelWriter.bytes(of: SampleModel.readingDraft())
        let pair = try Ed25519.makeKeyPair()
        try ModelWriter.sign(&signed, secretKey: pair.secretKey)
        for change in changes {
            var draft = try SampleModel.readingDraft()
            if var rules = draft.readingRules {
                change(&rules)
                draft.readingRules = rules
            }
            var other = try ModelWriter.bytes(of: draft)
            #expect(try load(other).isConfirmed)
            // The key and the signature of the file as its maker made it.
            let tail = ModelFormat.signatureKindOffset..<(ModelFormat.signatureOffset + Ed25519.signatureByteCount)
            other.replaceSubrange(tail, with: signed[tail])
            #expect(throws: ModelFileError.signature(.doesNotVerify)) { try load(other) }
        }
    }

    /// Whatever decides an output or a call takes the confirmation away, and nothing else does.
    @Test func confirmationIsForWhatDecides() throws {
        func isConfirmed(_ change: (inout ModelDraft) -> Void) throws -> Bool {
            var draft = try SampleModel.readingDraft()
            change(&draft)
            return try load(try ModelWriter.bytes(of: draft)).isConfirmed
        }
        #expect(try isConfirmed { $0.card = Array("{}".utf8) })
        #expect(try isConfirmed { $0.golden[0].output[0] = 1 })
        #expect(try isConfirmed { $0.scoreReference = nil })
        #expect(try isConfirmed { $0.header.name = "other" })
        #expect(try isConfirmed { $0.readingRules?.labels[1].chineseName = "x" })
        #expect(try !isConfirmed { $0.tensors[2].bytes[0] ^= 1 })
        #expect(try !isConfirmed { $0.recipe.filter = .box })
        #expect(try !isConfirmed { $0.recipe.modality = "CR" })
        #expect(try !isConfirmed { $0.labels.temperature = 2 })
        #expect(try !isConfirmed { $0.labels.labels[1].name = "other" })
        #expect(try !isConfirmed { $0.operatingPoints?.points[0].threshold = 0.125 })
        #expect(try !isConfirmed { $0.operatingPoints = nil })
        #expect(try !isConfirmed { $0.featureStatistics?.threshold = 1.5 })
        #expect(try !isConfirmed { $0.qualityRules?.rules[1].threshold = 65 })
        #expect(try !isConfirmed { $0.qualityRules = nil })
        #expect(try !isConfirmed { $0.readingRules?.confirmation?[31] ^= 1 })
    }
}
