import Foundation
import Testing

@testable import TernKernels

@Suite struct InstructionSetTests {
    @Test func namesGoBothWays() {
        for set in InstructionSet.allCases { #expect(InstructionSet(name: set.name) == set) }
        for name in ["", "avx", "AVX2", "scalar ", "sse4"] { #expect(InstructionSet(name: name) == nil) }
    }

    @Test func scalarIsAlwaysThereAndTheBestIsAvailable() {
        #expect(InstructionSet.available.first == .scalar)
        #expect(InstructionSet.available.last == InstructionSet.best)
        #expect(Table.native.count == InstructionSet.available.count)
    }

    /// `TERN_REQUIRE_ISA=scalar,avx2` fails when this machine cannot run one of them: a table that is not tested is not a pass.
    @Test func requiredSetsRan() {
        let ran = Table.all.map { $0.instructionSet.name }
        let skipped = InstructionSet.allCases.map { $0.name }.filter { !ran.contains($0) }
        print("instruction sets tested: \(Table.all.map { $0.description }.joined(separator: ", ")); not runnable here: \(skipped.isEmpty ? "none" : skipped.joined(separator: " "))")
        let required = ProcessInfo.processInfo.environment["TERN_REQUIRE_ISA"] ?? ""
        for name in required.split(separator: ",") { #expect(ran.contains(String(name)), "\(name) is required and did not run") }
    }
}
