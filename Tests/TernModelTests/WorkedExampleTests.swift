import TernModel
import TernPlatform
import TernWriter
import Testing

/// The root of the checkout.
let repository = #filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 }

@Suite struct WorkedExampleTests {
    private func page() throws -> String {
        String(decoding: try readFile(repository + "/Models/FORMAT.md", limitByteCount: 1 << 20), as: UTF8.self)
    }

    /// The fenced block that begins with the magic.
    private func dump(in page: String) throws -> Substring {
        let block = page.split(separator: "```").first { $0.hasPrefix("text\n00000000") }
        return try #require(block).dropFirst("text\n".count)
    }

    @Test func dumpIsWhatTheWriterWrites() throws {
        let bytes = try WorkedExample.bytes()
        let text = try dump(in: page())
        #expect(WorkedExample.parse(text) == bytes)
        #expect(text == WorkedExample.dump(bytes), "the block of Models/FORMAT.md must be:\n\(WorkedExample.dump(bytes))")
    }

    @Test func theScoreReferenceIsWhatTheWriterWrites() throws {
        let block = try #require(try page().split(separator: "```").first { $0.hasPrefix("text\n0000b000") })
        var draft = try SampleModel.draft()
        let one = ScoreDistribution(labelIndex: 1, edges: [0.25, 0.75], counts: [200, 24, 400])
        draft.scoreReference = ScoreReference(labels: [one], measuredOn: "test", cases: 624)
        let section = try #require(try ModelWriter.sections(of: draft).last)
        // `parse` counts from 0.
        let text = block.dropFirst("text\n".count).replacing("0000b", with: "00000")
        #expect(section.kind == 11 && WorkedExample.parse(text[...]) == section.bytes)
    }

    @Test func theReadingRulesAreWhatTheWriterWrites() throws {
        let block = try #require(try page().split(separator: "```").first { $0.hasPrefix("text\n0000c000") })
        var draft = try SampleModel.readingDraft()
        draft.readingRules?.confirmation = [UInt8](0..<32)
        let section = try #require(try ModelWriter.sections(of: draft).last)
        let text = block.dropFirst("text\n".count).replacing("0000c", with: "00000")
        #expect(section.kind == 12 && WorkedExample.parse(text[...]) == section.bytes)
    }

    @Test func dumpLoads() throws {
        let bytes = try #require(WorkedExample.parse(try dump(in: page())))
        let publicKey = try Ed25519.fromSeed(WorkedExample.seed).publicKey
        let file = try load(bytes, .init(trustedKeys: [publicKey]))
        #expect(file.signature == .valid(publicKey: publicKey))
        #expect(file.header.name == "worked example")
        #expect(file.tensors.map(\.name) == ["weight", "scale", "bias"])
        #expect(file.bytes(ofTensor: 2).floats == [0.25, -1])
        #expect(ModelDraft(file).golden[0].input == [1, 0.5, -0.25, 0] && file.goldenSeed(0) == nil)
        #expect(file.labels.labels[0].code == Code(scheme: "SCT", value: "233604007", meaning: "Pneumonia"))
    }
}

extension RawSpan {
    var floats: [Float] { (0..<(byteCount / 4)).map { Float(bitPattern: bits(4 * $0)) } }
    private func bits(_ offset: Int) -> UInt32 {
        (0..<4).reduce(0) { $0 | UInt32(unsafe unsafeLoad(fromByteOffset: offset + $1, as: UInt8.self)) << (8 * UInt32($1)) }
    }
}
