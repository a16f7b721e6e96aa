using Lema.Engine.Datasets.Replies;
using Lema.Engine.Errors;
using Lema.Testing;

namespace Lema.Engine.Tests.Datasets.Replies;

public sealed class FactBaseTests
{
    private const string Header = "id\trelation\tsubject\tobject\n";
    private const string Relations = """{"relations":{"r":{"questions":["What is {a_subject}?"],"answer":"{object}","explanations":["{A_subject} is {Object}."],"confidence":"High"}}}""";

    [Fact]
    public void Load_OfFiles_ReadsFactsInOrder()
    {
        FactBase facts = Load(Header + "1\tr\towl\tbird\n2\tr\tfox\tmammal\n", Relations);
        Assert.Equal(["owl", "fox"], facts.Facts.Select(fact => fact.Subject));
        Assert.Equal("What is an owl?", FactTemplate.Fill(facts.Relations["r"].Questions[0], facts.Facts[0]));
        Assert.Equal("A fox is Mammal.", FactTemplate.Fill(facts.Relations["r"].Explanations[0], facts.Facts[1]));
    }

    [Theory]
    [InlineData("id,relation\n", Relations, "line 1")]
    [InlineData(Header + "1\tr\towl\n", Relations, "line 2")]
    [InlineData(Header + "1\tr\t\tbird\n", Relations, "line 2")]
    [InlineData(Header + "1\tr\towl\tbird\n2\tr\towl\tbird\n", Relations, "line 3")]
    [InlineData(Header + "1\tq\towl\tbird\n", Relations, "line 2")]
    [InlineData(Header, "{\"relations\":", "line 1")]
    [InlineData(Header, "{}", "relations")]
    [InlineData(Header, """{"relations":{"r":{"questions":[],"answer":"a","explanations":["e"],"confidence":"High"}}}""", "relations.r")]
    [InlineData(Header, """{"relations":{"r":{"questions":["{who}?"],"answer":"a","explanations":["e"],"confidence":"High"}}}""", "relations.r")]
    public void Load_OfFault_NamesThePlace(string facts, string relations, string place) =>
        Assert.Equal(place, Assert.Throws<InvalidInputException>(() => Load(facts, relations)).Place);

    private static FactBase Load(string facts, string relations)
    {
        using TemporaryFolder folder = new();
        File.WriteAllText(folder.File("facts.tsv"), facts);
        File.WriteAllText(folder.File("relations.json"), relations);
        return FactBase.Load(folder.File("facts.tsv"), folder.File("relations.json"));
    }
}
