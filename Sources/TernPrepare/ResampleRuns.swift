import TernKernels

/// Cuts the input rows of a vertical axis into runs that have the same output rows under way.
struct ResampleRuns {
    private let axis: ResampleAxis
    /// The next row.
    private(set) var row: Int
    /// The output rows oldest ..< newest are under way.
    private var oldest = 0
    private var newest = 0

    /// A run with the rows it is made of: row ..< row + run.rowCount. After it `finishedCount` output rows are done, from run.firstOutput on.
    struct Step {
        var row: Int
        var run: ResizeRun
        var finishedCount: Int
    }

    init(_ axis: ResampleAxis) {
        self.axis = axis
        row = axis.firsts[0]
    }

    /// The next run of rows before `end`, at most `ResizeKernels.limitRowCount` of them; nil when there is none.
    mutating func next(before end: Int) -> Step? {
        let outputCount = axis.firsts.count
        while row < end, oldest < outputCount {
            while newest < outputCount, axis.firsts[newest] <= row { newest += 1 }
            if oldest == newest {
                // No output wants this row.
                row = min(axis.firsts[newest], end)
                continue
            }
            var next = min(axis.firsts[oldest] + axis.counts[oldest], end, row + ResizeKernels.limitRowCount)
            if newest < outputCount { next = min(next, axis.firsts[newest]) }
            var continued = newest - oldest
            while continued > 0, axis.firsts[oldest + continued - 1] == row { continued -= 1 }
            let run = ResizeRun(rowCount: next - row, firstOutput: oldest, outputCount: newest - oldest, continuedCount: continued)
            let start = row
            row = next
            while oldest < newest, axis.firsts[oldest] + axis.counts[oldest] == next { oldest += 1 }
            return Step(row: start, run: run, finishedCount: oldest - run.firstOutput)
        }
        return nil
    }

    /// The weights of a run's rows out of `weights` [outputs][stride]: [rowCount][outputCount].
    func weights<Weight>(_ step: Step, of weights: [Weight], into result: inout [Weight]) {
        result.removeAll(keepingCapacity: true)
        for row in step.row..<(step.row + step.run.rowCount) {
            for output in step.run.firstOutput..<(step.run.firstOutput + step.run.outputCount) {
                result.append(weights[output * axis.stride + row - axis.firsts[output]])
            }
        }
    }
}
