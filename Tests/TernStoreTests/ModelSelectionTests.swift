import Testing

@testable import TernStore

private let a = String(repeating: "a", count: 64), b = String(repeating: "b", count: 64), c = String(repeating: "c", count: 64)

private func reread(_ selection: ModelSelection) throws -> ModelSelection? { ModelSelection(try SettingsFile(parsing: Array(selection.text.utf8))) }

@Test func aSelectionGoesForwardAndBack() throws {
    var selection = ModelSelection(first: a)
    #expect(!selection.isMarkedGood && !selection.rollBack() && selection.number == 1)
    selection.markGood()
    #expect(selection.isMarkedGood && !selection.rollBack())
    selection.use(b)
    #expect(!selection.isMarkedGood && selection.good == a && selection.number == 2)
    #expect(try reread(selection) == selection)
    selection.markGood()
    selection.markGood()
    selection.use(c)
    #expect(selection.good == b && selection.before == a)
    #expect(try reread(selection) == selection)
    #expect(selection.rollBack() && selection.current == b && selection.isMarkedGood && selection.number == 4)
    #expect(selection.rollBack() && selection.current == a && selection.isMarkedGood && selection.before == nil)
    #expect(!selection.rollBack() && selection.number == 5)
}

@Test(arguments: [
    "current = \(a)", "selection = 1", "selection = 0\ncurrent = \(a)", "selection = 1\ncurrent = \(a.uppercased())", "selection = 1\ncurrent = ../\(a.dropLast(3))",
    "selection = 1\ncurrent = \(a)\ngood = x", "selection = 1\ncurrent = \(a)\nnext = \(b)", "selection = 9223372036854775807\ncurrent = \(a)",
])
func refusesADamagedSelection(text: String) throws {
    #expect(ModelSelection(try SettingsFile(parsing: Array(text.utf8))) == nil)
}

@Test func aModelInTrialGivesWayAfterThreeStarts() throws {
    var selection = ModelSelection(first: a)
    #expect(ModelChoice(selection, trial: nil).trial == nil, "there is nothing to fall back to")
    selection.markGood()
    #expect(ModelChoice(selection, trial: nil).trial == nil)
    selection.use(b)
    var trial: ModelTrial?
    for starts in 0..<ModelTrial.limitStarts {
        let choice = ModelChoice(selection, trial: trial)
        #expect(choice.digest == b && choice.fallback == a && choice.trial?.starts == starts && !choice.isRolledBack)
        trial = choice.trial
        trial?.starts += 1
        trial = ModelTrial(try SettingsFile(parsing: Array(try #require(trial).text.utf8)))
    }
    let choice = ModelChoice(selection, trial: trial)
    #expect(choice.digest == a && choice.isRolledBack && choice.isMarkedGood && choice.trial == nil)
    selection.use(b)
    #expect(ModelChoice(selection, trial: trial).trial?.starts == 0, "chosen again is tried again")
    selection.markGood()
    #expect(ModelChoice(selection, trial: trial).digest == b)
}

@Test func aRefusedModelGivesWayAtOnce() {
    var selection = ModelSelection(first: a)
    selection.markGood()
    selection.use(b)
    var trial = ModelTrial(of: selection)
    trial.isRefused = true
    #expect(ModelChoice(selection, trial: trial).digest == a)
    trial.digest = c
    #expect(ModelChoice(selection, trial: trial).digest == b, "it says nothing of another model")
}
