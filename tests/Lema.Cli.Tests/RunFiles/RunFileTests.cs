using System.Text.Json;
using Lema.Cli.RunFiles;
using Lema.Protocol.Client;
using Lema.Protocol.V1;

namespace Lema.Cli.Tests.RunFiles;

public sealed class RunFileTests
{
    private const string Example = """
        model: lema-tiny
        dataset: replies
        steps: 200
        learningRate: 1.5e-3
        schedule: linear
        precision: fp32
        lora:
          r: 8
          targetModules: [q_proj, v_proj]
          rankPattern: {q_proj: 4}
        memory:
          weightBytes: 5MiB
        """;

    [Fact]
    public void Parse_WholeFile_GivesEverySetting()
    {
        RunFile file = RunFile.Parse(Example, "run.yaml", []);

        Assert.Equal(("lema-tiny", "replies"), (file.Model, file.Dataset));
        Assert.Equal(200, file.Settings.Steps);
        Assert.Equal(1.5e-3, file.Settings.LearningRate);
        Assert.Equal(RunSettings.Types.Schedule.Linear, file.Settings.Schedule);
        Assert.Equal(RunSettings.Types.Precision.Fp32, file.Settings.Precision);
        Assert.Equal(["q_proj", "v_proj"], file.Settings.Lora.TargetModules);
        Assert.Equal(4, file.Settings.Lora.RankPattern["q_proj"]);
        Assert.Equal(5 << 20, file.Settings.Memory.WeightBytes);
        Assert.False(file.Settings.HasSeed);
    }

    [Fact]
    public void Parse_SetValues_WinOverTheFileAndReachIntoSections()
    {
        RunFile file = RunFile.Parse(Example, "run.yaml", ["lora.r=16", "steps=5", "evaluation.everySteps=2", "lora.targetModules=all-linear", "name=second"]);

        Assert.Equal(16, file.Settings.Lora.R);
        Assert.Equal(5, file.Settings.Steps);
        Assert.Equal(2, file.Settings.Evaluation.EverySteps);
        Assert.Equal(["all-linear"], file.Settings.Lora.TargetModules);
        Assert.Equal("second", file.Name);
    }

    [Fact]
    public void Parse_NoFile_TakesSetValuesAlone() => Assert.Equal(3, RunFile.Parse(null, "", ["steps=3"]).Settings.Steps);

    [Fact]
    public void Parse_SeveralMistakes_AreAllReportedWithLinesAndKeys()
    {
        const string Text = """
            steps: many
            learningrate: 1e-3
            schedule: wavy
            lora:
              rank: 8
              r: 2.5
            """;

        RunFile file = RunFile.Parse(Text, "run.yaml", ["memory.weightBytes=lots"]);

        Assert.Equal(
        [
            "run.yaml:1: steps: 'many' is not a whole number",
            "run.yaml:2: learningrate: unknown key; did you mean 'learningRate'?",
            "run.yaml:3: schedule: 'wavy' is not one of cosine, linear, constant",
            "run.yaml:5: lora.rank: unknown key; known: r, alpha, dropout, targetModules, targetModulesRegex, targetParameters, layersToTransform, rankPattern, alphaPattern, modulesToSave, useRslora, useDora",
            "run.yaml:6: lora.r: '2.5' is not a whole number",
            "--set: memory.weightBytes: 'lots' is not a number of bytes, such as 6000000 or 6MiB",
        ], file.Problems.Select(p => p.ToString()));
    }

    [Theory]
    [InlineData("steps=0", "steps: 0 is not at least 1")]
    [InlineData("learningRate=0", "learningRate: 0 is not more than 0 and at most 100")]
    [InlineData("lora.dropout=1", "lora.dropout: 1 is not at least 0 and less than 1")]
    [InlineData("memory.weightBytes=-5", "memory.weightBytes: -5 is not more than 0")]
    public void Parse_NumberOutOfRange_IsAProblem(string setting, string problem)
    {
        RunFile file = RunFile.Parse(null, "", [setting, "schedule=wavy"]);

        Assert.Equal([$"--set: {problem}", "--set: schedule: 'wavy' is not one of cosine, linear, constant"], file.Problems.Select(p => p.ToString()));
    }

    [Fact]
    public void Schema_Numbers_HaveTheirBounds()
    {
        using JsonDocument schema = JsonDocument.Parse(RunFileSchema.Write());
        JsonElement keys = schema.RootElement.GetProperty("properties");

        Assert.Equal(1, keys.GetProperty("steps").GetProperty("minimum").GetInt64());
        Assert.Equal(1, keys.GetProperty("lora").GetProperty("properties").GetProperty("dropout").GetProperty("exclusiveMaximum").GetDouble());
    }

    private const string Verdict = "name: verdict\nopen: <v>\nfields:\n- name: Verdict\n  values: [yes, no]\nclose: </v>\nanswer: Verdict\n";

    private static string? Files(string name) => name switch { "verdict.yaml" => Verdict, "wrong.yaml" => "name: verdict\nopn: <v>\nfields: {a: 1}\n", _ => null };

    [Theory]
    [InlineData("data: {replyFormat: verdict.yaml}", null)]
    [InlineData(null, "data.replyFormat=verdict.yaml")]
    [InlineData("data: {replyFormat: {name: verdict, open: <v>, fields: [{name: Verdict, values: [yes, no]}], close: </v>, answer: Verdict}}", null)]
    public void Parse_ReplyFormat_OfAFileOrInPlace_IsTheSame(string? text, string? assignment)
    {
        ReplyFormat format = RunFile.Parse(text, "run.yaml", assignment is null ? [] : [assignment], Files).Settings.Data.ReplyFormat;

        ReplyFormat expected = new() { Name = "verdict", Open = "<v>", Close = "</v>", Answer = "Verdict" };
        expected.Fields.Add(new ReplyField { Name = "Verdict", Values = { "yes", "no" } });
        Assert.Equal(expected, format);
    }

    [Fact]
    public void Parse_ReplyFormat_OfAWord_IsTheNameOfABuiltInOne() =>
        Assert.Equal(new ReplyFormat { Name = "lema" }, RunFile.Parse("data: {replyFormat: lema}", "run.yaml", [], Files).Settings.Data.ReplyFormat);

    [Fact]
    public void Parse_ReplyFormat_ProblemsNameTheFileTheyStandIn()
    {
        RunFile file = RunFile.Parse("steps: many\ndata: {replyFormat: wrong.yaml}", "run.yaml", [], Files);
        Assert.Equal(
            ["run.yaml:1: steps: 'many' is not a whole number", "wrong.yaml:2: data.replyFormat.opn: unknown key; did you mean 'open'?", "wrong.yaml:3: data.replyFormat.fields.a: unknown key; known: name, values"],
            file.Problems.Select(problem => problem.ToString()));
        Assert.Equal("run.yaml:1: data.replyFormat: there is no file ./none", Assert.Single(RunFile.Parse("data: {replyFormat: ./none}", "run.yaml", [], Files).Problems).ToString());
    }

    [Fact]
    public void ProblemsOf_WhatTheDaemonFound_StandsAtItsLinesAndIsNotToldTwice()
    {
        RunFile file = RunFile.Parse("model: nowhere\nsteps: many\nlora:\n  rankPattern: {q_proj: 0}\n  targetModules: [x_proj]\n", "run.yaml", ["warmupSteps=50"]);
        Failure failure = new(FailureKind.InvalidInput, "", [
            new("model", "request: model: model 'nowhere' was not found."), new("steps", "settings: steps: set how long to train."), new("warmupSteps", "settings: warmupSteps: 50 is more than 10."),
            new("lora.rankPattern.q_proj", "settings: lora.rankPattern.q_proj: 0 is too small."), new("lora.targetModules", "run settings: lora.targetModules: 'x_proj' names nothing."),
            new("maxLength", "settings: maxLength: is too long.")], null);

        Assert.Equal(
        [
            "run.yaml:1: model: model 'nowhere' was not found.",
            "--set: warmupSteps: 50 is more than 10.",
            "run.yaml:4: lora.rankPattern.q_proj: 0 is too small.",
            "run.yaml:5: lora.targetModules: 'x_proj' names nothing.",
            "run.yaml: maxLength: is too long.",
        ], file.ProblemsOf(failure).Select(problem => problem.ToString()));
    }

    [Fact]
    public void ProblemsOf_AFailureOfTheDataset_IsNotAboutTheRunFile() =>
        Assert.Empty(RunFile.Parse("steps: 1", "run.yaml", []).ProblemsOf(new Failure(FailureKind.InvalidInput, "", [new("line 2", "dataset 'own': line 2: is no JSON.")], null)));

    [Theory]
    [InlineData("- a\n- b\n", "run.yaml:1: a run file is a mapping of keys to values")]
    [InlineData("steps: 1\nlora: [1", "run.yaml:")]
    [InlineData("a: 1\na: 2\n", "run.yaml:")]
    public void Parse_NoMapping_SaysWhere(string text, string start)
    {
        RunFileException invalid = Assert.Throws<RunFileException>(() => RunFile.Parse(text, "run.yaml", []));

        Assert.StartsWith(start, invalid.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Parse_SetWithoutEquals_IsAProblem()
    {
        RunFile file = RunFile.Parse(null, "", ["steps"]);

        Assert.Equal("--set: steps: expected key=value, such as lora.r=8", Assert.Single(file.Problems).ToString());
    }

    [Theory]
    [InlineData("6000000", 6_000_000)]
    [InlineData("6_000_000", 6_000_000)]
    [InlineData("1.5GiB", 1_610_612_736)]
    [InlineData("2 GB", 2_000_000_000)]
    public void Parse_Bytes_MayHaveAUnit(string text, long expected) =>
        Assert.Equal(expected, RunFile.Parse(null, "", [$"memory.totalBytes={text}"]).Settings.Memory.TotalBytes);
}
