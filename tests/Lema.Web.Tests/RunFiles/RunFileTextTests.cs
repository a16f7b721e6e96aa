using Lema.Protocol.V1;
using Lema.Web.RunFiles;

namespace Lema.Web.Tests.RunFiles;

public sealed class RunFileTextTests
{
    [Fact]
    public void WriteThenRead_EverySetting_ComesBackEqual()
    {
        StartRunRequest run = new()
        {
            Name = "007", Model = "lema-tiny", Dataset = "facts", EvaluationDataset = "facts-heldout",
            Settings = new RunSettings
            {
                Seed = 3, Steps = 300, MicroBatchSize = 16, LearningRate = 2e-3, Schedule = RunSettings.Types.Schedule.Linear, Precision = RunSettings.Types.Precision.Bf16,
                WarmupStart = RunSettings.Types.WarmupStart.One, AutoResume = false,
                Lora = new LoraSettings { R = 8, Alpha = 16.5, TargetModules = { "q_proj", "v_proj" }, RankPattern = { ["q_proj"] = 4 }, UseRslora = true },
                Memory = new MemorySettings { WeightBytes = 9_000_000_000 },
                Checkpoint = new CheckpointSettings { EverySteps = 50 },
                Data = new DataSettings { ReplyFormat = new ReplyFormat { Name = "v", Prompt = "Judge: {question}\n", Open = "<v>", Fields = { new ReplyField { Name = "V", Values = { "yes", "no" } } }, Close = "</v>", Answer = "V" } },
            },
        };
        Assert.Equal(run, RunFileText.Read(RunFileText.Write(run)));
    }

    [Fact]
    public void Write_Settings_UsesTheWordsOfARunFile()
    {
        string yaml = RunFileText.Write(new StartRunRequest { Model = "lema-tiny", Settings = new RunSettings { Schedule = RunSettings.Types.Schedule.Cosine, Memory = new MemorySettings { WeightBytes = 6_000_000 } } });
        Assert.Equal("model: lema-tiny\nschedule: cosine\nmemory:\n  weightBytes: 6000000\n", yaml);
    }

    [Fact]
    public void Read_SizeWithUnit_IsBytes() => Assert.Equal(6L << 20, RunFileText.Read("memory:\n  weightBytes: 6MiB\n").Settings.Memory.WeightBytes);

    [Theory]
    [InlineData("stepz: 3\n", "stepz")]
    [InlineData("steps: many\n", "steps")]
    [InlineData("steps: 3\nsteps: 4\n", "Line 2")]
    [InlineData("- a\n- b\n", "mapping")]
    [InlineData("lora: {r: [1\n", "Line")]
    [InlineData("model: [a]\n", "model")]
    [InlineData("data: {replyFormat: own.yaml}\n", "own.yaml cannot be read from here")]
    public void Read_Wrong_SaysWhere(string yaml, string place) =>
        Assert.Contains(place, Assert.Throws<RunFileException>(() => RunFileText.Read(yaml)).Message, StringComparison.OrdinalIgnoreCase);

    [Fact]
    public void Read_ReplyFormatOfAWord_IsTheNameOfABuiltInOne() => Assert.Equal("lema", RunFileText.Read("data: {replyFormat: lema}\n").Settings.Data.ReplyFormat.Name);

    [Fact]
    public void Read_Nothing_IsARunOfDefaults() => Assert.Equal(new StartRunRequest { Settings = new RunSettings() }, RunFileText.Read(""));
}
