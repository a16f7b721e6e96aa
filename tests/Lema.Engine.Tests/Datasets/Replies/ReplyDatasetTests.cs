using System.Text.Json;
using Lema.Engine.Datasets.Replies;
using Lema.Engine.Errors;
using Lema.Testing;

namespace Lema.Engine.Tests.Datasets.Replies;

public sealed class ReplyDatasetTests
{
    private static readonly Lazy<ReplyRows> Default = new(() => ReplyRowGenerator.Generate(FactBase.BuiltIn, new ReplyDatasetOptions()));

    [Fact]
    public void Generate_ByDefault_Makes5000UniqueTrainingRowsAnd300HeldOut()
    {
        ReplyRow[] all = [.. Default.Value.Train, .. Default.Value.HeldOut];
        Assert.Equal((5000, 300), (Default.Value.Train.Count, Default.Value.HeldOut.Count));
        Assert.Equal(all.Length, all.Select(row => (row.Question, row.Explanation)).Distinct().Count());
    }

    [Fact]
    public void Generate_ByDefault_SharesNoFactBetweenTheSides()
    {
        HashSet<(string, string)> trained = [.. Default.Value.Train.Select(row => (row.Relation, row.Subject))];
        Assert.DoesNotContain(Default.Value.HeldOut, row => trained.Contains((row.Relation, row.Subject)));
    }

    [Fact]
    public void Generate_ByDefault_UsesFactsEvenly()
    {
        int[] uses = [.. Default.Value.Train.CountBy(row => (row.Relation, row.Subject)).Select(pair => pair.Value)];
        int facts = FactBase.BuiltIn.Facts.GroupBy(fact => fact.Relation).Sum(relation => relation.Count() - (int)Math.Floor(0.3 * relation.Count() + 0.5));
        Assert.Equal(facts, uses.Length);
        Assert.All(uses, count => Assert.InRange(count, 5000 / facts, 5000 / facts + 1));
        Assert.Equal(300, Default.Value.HeldOut.DistinctBy(row => (row.Relation, row.Subject)).Count());
    }

    [Fact]
    public void Generate_Rows_FollowTheFormatAndHoldTheExpectedAnswer() => Assert.All([.. Default.Value.Train, .. Default.Value.HeldOut], row =>
    {
        string reply = ReplyFormat.Lema.Render([row.Answer, row.Explanation, row.Confidence]);
        Assert.True(RightAnswer.Holds(ReplyFormat.Lema, reply, row.Expected), reply);
        Assert.DoesNotContain('{', row.Question + reply);
    });

    [Fact]
    public void Generate_OfSeed_IsReproducibleAndDiffersFromAnother()
    {
        ReplyDatasetOptions small = new(Seed: 7, TrainRows: 50, HeldOutRows: 10);
        ReplyRows first = ReplyRowGenerator.Generate(FactBase.BuiltIn, small);
        Assert.Equal(first.Train, ReplyRowGenerator.Generate(FactBase.BuiltIn, small).Train);
        Assert.NotEqual(first.Train, ReplyRowGenerator.Generate(FactBase.BuiltIn, small with { Seed = 8 }).Train);
    }

    /// <summary>Fixed once: a change of the generator, the recipe or the facts changes everybody's datasets.</summary>
    [Fact]
    public void Generate_OfDefaultSeed_StaysTheSame()
    {
        byte[] text = System.Text.Encoding.UTF8.GetBytes(string.Join('\n', Default.Value.Train.Concat(Default.Value.HeldOut).Select(row => row.ToString())));
        Assert.Equal("e6071ec135baa0ce69cb3172f7930f6440df31a2c4738bbcb95fd6a150103ec0", Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(text)));
    }

    [Fact]
    public void Generate_OfTooManyRows_SaysHowManyThereAre()
    {
        InvalidInputException fault = Assert.Throws<InvalidInputException>(() => ReplyRowGenerator.Generate(FactBase.BuiltIn, new ReplyDatasetOptions(TrainRows: 1_000_000)));
        Assert.Equal("trainRows", fault.Place);
    }

    [Theory]
    [InlineData(0.0)]
    [InlineData(1.0)]
    [InlineData(double.NaN)]
    public void Generate_OfShareOutsideUnit_Throws(double share) =>
        Assert.Throws<InvalidInputException>(() => ReplyRowGenerator.Generate(FactBase.BuiltIn, new ReplyDatasetOptions(HeldOutShare: share)));

    [Fact]
    public void Build_OfFolder_WritesRowsThatReadBack()
    {
        using TemporaryFolder folder = new();
        ReplyRows rows = ReplyDatasetBuilder.Build(folder.File("replies"), new ReplyDatasetOptions(TrainRows: 20, HeldOutRows: 5));
        Assert.Equal(["replies"], Directory.EnumerateFileSystemEntries(folder.Path).Select(Path.GetFileName));
        JsonElement[] lines = [.. File.ReadLines(folder.File("replies/train.jsonl")).Select(line => JsonDocument.Parse(line).RootElement)];
        Assert.Equal(20, lines.Length);
        for (int i = 0; i < lines.Length; i++)
        {
            Assert.Equal(ReplyFormat.Lema.Prompt(rows.Train[i].Question), lines[i].GetProperty("prompt").GetString());
            Assert.True(ReplyFormat.Lema.Parse(lines[i].GetProperty("completion").GetString()!).IsValid);
            Assert.Equal(rows.Train[i].Expected, lines[i].GetProperty("expected").GetString());
        }
        Assert.Equal(5, File.ReadLines(folder.File("replies/heldout.jsonl")).Count());
    }

    [Fact]
    public void Build_OfUsedFolder_RefusesAndLeavesItAlone()
    {
        using TemporaryFolder folder = new();
        File.WriteAllText(folder.File("mine.txt"), "mine");
        Assert.Throws<InvalidInputException>(() => ReplyDatasetBuilder.Build(folder.Path, new ReplyDatasetOptions(TrainRows: 5, HeldOutRows: 5)));
        Assert.Equal("mine", File.ReadAllText(folder.File("mine.txt")));
    }

    /// <summary>The rows that come with lema-tiny were made by the same recipe with another generator: every one is among those that can be made here.</summary>
    [Fact]
    public void Templates_OfBuiltInFacts_MakeTheSampleRows()
    {
        string? sample = ReferenceData.TryPath("lema-tiny", "sft-sample", "train.jsonl");
        Assert.SkipWhen(sample is null, ReferenceData.SkipMessage);
        HashSet<(string, string, string, string)> possible =
        [
            .. FactBase.BuiltIn.Facts.SelectMany(fact =>
            {
                Relation relation = FactBase.BuiltIn.Relations[fact.Relation];
                return relation.Questions.SelectMany(question => relation.Explanations, (question, explanation) =>
                    (FactTemplate.Fill(question, fact), FactTemplate.Fill(relation.Answer, fact), FactTemplate.Fill(explanation, fact), relation.Confidence));
            }),
        ];
        string[] lines = File.ReadAllLines(sample!);
        Assert.Equal(2000, lines.Length);
        Assert.All(lines, line =>
        {
            JsonElement row = JsonDocument.Parse(line).RootElement;
            Assert.Contains((Text("question"), Text("answer"), Text("explanation"), Text("confidence")), possible);
            string Text(string key) => row.GetProperty(key).GetString()!;
        });
    }
}
