import TernFindings

extension WordsText {
    /// The answer in one line, and what it holds for.
    mutating func writeConclusion(_ result: FindingResult, _ model: ReportModel) {
        if result.answeredFrom != nil {
            say("As that of the earlier result; nothing was analysed again.", "同先前结果；未重新分析。")
            return endLine()
        }
        switch result.answer {
        case .finding:
            say("FINDING: ", "阳性发现：")
            writeNames(result.findings, .positive, model, withTier: true)
            stop()
            endLine()
            writeRest(result, model)
        case .noFinding:
            say("NO FINDING at this operating point: ", "在当前工作点未见阳性发现：未提示")
            writeNames(result.findings, .negative, model, withTier: false)
            say(", not suggested.", "。")
            sentence("This does not rule disease out.", "不能据此排除病变。")
            endLine()
            writePossible(result, model)
        case .needsReview(let reason):
            say("NEEDS A HUMAN: ", "需人工阅片：")
            self.reason(reason)
            stop()
            sentence("This is neither a finding nor the absence of one.", "本结果既不表示阳性，也不表示阴性。")
            endLine()
            writeRest(result, model)
        case .notAnalysed(let reason):
            say("NOT ANALYSED: ", "未分析：")
            self.reason(reason)
            stop()
            sentence("This is no normal result.", "这不是正常结果。")
            endLine()
        }
        writeFlaggedFrames(result)
    }

    /// Labels that are called negative and possible all the same.
    private mutating func writePossible(_ result: FindingResult, _ model: ReportModel) {
        guard let set = result.conformal else { return }
        let possible = result.findings.filter { finding in set.labels.contains { $0.utf8.elementsEqual(finding.label.utf8) } }
        guard !possible.isEmpty else { return }
        say("Still possible at the coverage level ", "覆盖水平 ")
        number(set.level)
        say(": ", " 下不能除外：")
        writeNames(possible, .negative, model, withTier: false)
        stop()
        endLine()
    }

    /// Labels that the first line does not name.
    private mutating func writeRest(_ result: FindingResult, _ model: ReportModel) {
        if result.findings.contains(where: { $0.call == .review }) {
            say("Not decided: ", "不作判定：")
            writeNames(result.findings, .review, model, withTier: false)
            stop()
            endLine()
        }
        // A call that a human has to look at is not told as an answer.
        let near = result.findings.filter { $0.call == .negative && $0.interpretation == .review }
        if !near.isEmpty {
            say("Below the threshold, but too near to it: ", "低于阈值但过于接近：")
            writeNames(near, .negative, model, withTier: false)
            stop()
            endLine()
        }
        let clear = result.findings.filter { $0.interpretation == .negative }
        if !clear.isEmpty {
            say("Not suggested: ", "未提示：")
            writeNames(clear, .negative, model, withTier: false)
            stop()
            endLine()
        }
    }

    private mutating func writeFlaggedFrames(_ result: FindingResult) {
        if result.status == .partiallySucceeded {
            say("Some frames were not analysed; nothing is said of them.", "部分帧未分析，对其不作任何判断。")
            endLine()
        }
        if result.frames.contains(where: { $0.isFlagged }) {
            say(
                "Some frames are unlike those that the model was made for; their scores do not count.", "部分帧与模型适用的图像差异过大，其评分不予采信。")
            endLine()
        }
    }

    private mutating func writeNames(_ findings: [Finding], _ call: Call, _ model: ReportModel, withTier: Bool) {
        var isFirst = true
        for finding in findings where finding.call == call {
            if !isFirst { listComma() }
            isFirst = false
            isChinese ? add(model.chineseName(of: finding.label)) : add(finding.label)
            guard withTier else { continue }
            say(" (confidence tier: ", "（把握度：")
            writeTier(finding.tier)
            say(")", "）")
        }
    }

    /// What to do next, by the answer and the operating point, and who decides.
    mutating func writeSuggestion(_ result: FindingResult, _ model: ReportModel) {
        if result.answeredFrom == nil {
            switch result.answer {
            case .finding: writeAfterFinding(result)
            case .noFinding:
                say(
                    "Only what is named above was assessed, and a finding can be missed. When signs or symptoms speak for disease, go on as without this report.",
                    "本报告仅评估上述项目，且可能漏诊；如有相应症状或体征，请按未获本报告时的流程继续诊治。")
            case .needsReview: say("Have a qualified reader read this image; no call of the model may be used.", "请由具备资质的医师阅片；不得采用模型的判定。")
            case .notAnalysed(let reason): writeRemedy(Remedy(reason))
            }
            endLine()
            if case .finding = result.answer { writePoints(result.findings, model) }
            if case .noFinding = result.answer { writePoints(result.findings, model) }
        }
        say(
            "A qualified human looks at the image and decides; this report is no diagnosis. Tern is no medical device and is not for clinical use.",
            "最终诊断须由具备资质的医师阅片后作出，本报告不是诊断。Tern 不是医疗器械，不得用于临床。")
        endLine()
    }

    private mutating func writeAfterFinding(_ result: FindingResult) {
        let isUrgent = result.findings.contains { $0.call == .positive && $0.tier == .high }
        let isClear = result.findings.contains { $0.call == .positive && $0.tier != .review }
        if isUrgent {
            say("Have a qualified reader look at this image before others.", "请由具备资质的医师优先阅片。")
        } else if isClear {
            say("Have a qualified reader look at this image soon.", "请由具备资质的医师尽早阅片。")
        } else {
            say("No call here is sure: have a qualified reader look at this image as undecided.", "判定把握不足：请由具备资质的医师按未定结果阅片。")
        }
        sentence("Weigh the finding against signs, symptoms and other tests before anything is done.", "请结合症状、体征及其他检查综合判断后再作处理。")
    }

    private mutating func writeRemedy(_ remedy: Remedy) {
        switch remedy {
        case .takeAgain: say("Take the image again if that is possible; else have a qualified reader read it as it is.", "如有可能请重新摄片；否则请由具备资质的医师直接阅片。")
        case .otherModel: say("The image is not of the kind that this model reads: use another model, or have a qualified reader read it.", "图像类型与模型不符：请改用适合的模型，或由具备资质的医师阅片。")
        case .sendAgain: say("Send the file again or in another form; until then have a qualified reader read the image.", "请重新发送文件或更换格式；在此之前请由具备资质的医师阅片。")
        case .askSupport: say("Send the study again; when that does not help, tell who runs the program. Until then have a qualified reader read the image.", "请重新发送；如仍失败，请联系系统维护人员。在此之前请由具备资质的医师阅片。")
        }
    }

    /// A line for each operating point in use: what it is set for, and whether that was measured.
    private mutating func writePoints(_ findings: [Finding], _ model: ReportModel) {
        var told: [String] = []
        for finding in findings where finding.threshold != nil && !told.contains(where: { $0.utf8.elementsEqual(finding.operatingPoint.utf8) }) {
            let name = finding.operatingPoint
            told.append(name)
            say("Operating point ", "工作点")
            writePointName(name)
            switch name {
            case "sensitivity-first": say(": set to miss few at the price of false alarms.", "：以少漏诊为先，误报可能较多。")
            case "balanced": say(": weighs misses and false alarms alike; both happen.", "：兼顾漏诊与误报，两者均可能发生。")
            case "specificity-first": say(": set for few false alarms at the price of misses.", "：以少误报为先，漏诊可能较多。")
            default: say(": the report does not know what it is set for.", "：其设定目的未知。")
            }
            let points = findings.filter { $0.operatingPoint.utf8.elementsEqual(name.utf8) && $0.threshold != nil }
            let isMeasured = points.allSatisfy { model.label(named: $0.label)?.operatingPoint?.sensitivity != nil }
            isMeasured
                ? sentence("How often it is right was measured; the figures are in the model card.", "其准确程度已经测定，数据见模型卡。")
                : sentence("How often it is right is not known for every label.", "其准确程度未全部测定。")
            endLine()
        }
    }
}
