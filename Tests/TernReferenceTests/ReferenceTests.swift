import TernConvert
import TernConvertTesting
import Testing

@testable import TernReference

@Suite struct ReferenceTests {
    @Test(arguments: CheckpointCase.floatNames)
    func agreesWithPyTorch(name: String) throws {
        let one = try CheckpointCase(name)
        let reference = Reference(try VisionTransformer(reading: one.checkpoint, description: one.description))
        for (input, output) in zip(one.inputs, one.outputs) {
            let found = reference.run(input)
            #expect(found.count == output.count)
            #expect(relativeError(found, output) < 1e-4)
        }
    }

    /// The rotation of the converter keeps the function.
    @Test(arguments: CheckpointCase.floatNames)
    func agreesWithPyTorchWhenRotated(name: String) throws {
        let one = try CheckpointCase(name)
        let model = try VisionTransformer(reading: one.checkpoint, description: one.description)
        let reference = Reference(try #require(model.rotated()))
        for (input, output) in zip(one.inputs, one.outputs) { #expect(relativeError(reference.run(input), output) < 1e-4) }
    }

    @Test func rotationMakesNormsPlainAndKeepsTheMean() throws {
        let one = try CheckpointCase("dino")
        let rotated = try #require(try VisionTransformer(reading: one.checkpoint, description: one.description).rotated())
        for block in rotated.blocks {
            #expect(block.norm1.gamma.allSatisfy { $0 == 1 } && block.norm1.beta.allSatisfy { $0 == 0 })
            #expect(block.scale1 == nil && block.scale2 == nil)
        }
        let row = rotated.prefix.row(0).reduce(0.0) { $0 + Double($1) }
        let plain = try VisionTransformer(reading: one.checkpoint, description: one.description).prefix.row(0).reduce(0.0) { $0 + Double($1) }
        #expect((row - plain).magnitude < 1e-4)
    }

    @Test func namesOperationsAsThePlanDoes() throws {
        let one = try CheckpointCase("deit")
        var names: [String] = []
        _ = Reference(try VisionTransformer(reading: one.checkpoint, description: one.description)).run(one.inputs[0]) { name, _, _ in
            names.append(name)
        }
        #expect(names.first == "patches")
        #expect(names.contains("blocks.0.attn.qkv") && names.contains("blocks.1.attn.q") && names.contains("blocks.1.attn.kv"))
        #expect(names.suffix(3) == ["norm", "head", "head_dist"])
    }
}
