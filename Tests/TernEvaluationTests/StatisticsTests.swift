import TernEvaluation
import Testing

@Test func wilsonStaysInsideZeroAndOne() {
    #expect(wilson(0, of: 0) == nil)
    #expect(wilson(0, of: 7)?.low == 0)
    #expect(wilson(7, of: 7)?.high == 1)
}
