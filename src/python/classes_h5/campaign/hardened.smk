# The same sites on the same inputs through the hardened model.

if campaign.settings["ranges"] == "golden":

    rule clip_ranges:
        output:
            "clip-ranges.json",
        log:
            "logs/clip-ranges.log",
        params:
            command=commands.clip_ranges(campaign),
            basis=lambda wildcards: basis.ranges(campaign),
        shell:
            "({params.command}) 2> {log}"


rule clip:
    input:
        "config.json",
        made(campaign.clip_ranges),
        ["estimates.tsv"] if isinstance(campaign.settings["harden"], int) else [],
    output:
        "clip.patch.json",
        "hardened" + campaign.suffix,
        "hardened.json",
    log:
        "logs/clip.log",
    params:
        command=lambda wildcards, input: commands.clip(campaign),
        basis=lambda wildcards: basis.hardened(campaign),
    shell:
        "({params.command}) 2> {log}"


rule cost:
    input:
        "hardened" + campaign.suffix,
    output:
        "hardening.json",
    log:
        "logs/cost.log",
    params:
        command=commands.cost(campaign),
        basis=lambda wildcards: basis.cost(campaign),
    shell:
        "({params.command}) 2> {log}"


for number, units in enumerate(JOBS):

    rule:
        name:
            f"replay_{number}"
        input:
            ancient("hardened" + campaign.suffix),
            ancient([f"{unit}.sites.ndjson" for unit in units]),
            ancient(made("ranges.json")),
        output:
            units=temp([f"{unit}.hardened.played" for unit in units]),
            job=temp(jobs.name(number, units) + ".hardened"),
        log:
            f"logs/replay-{number}.log",
        params:
            command=commands.play_job(number, commands.HARDENED),
        group:
            "hardened shard"
        shell:
            "(TF_NUM_INTRAOP_THREADS={threads} TF_NUM_INTEROP_THREADS=1 {params.command}) 2> {log} && touch {output.job}"


rule predictions_hardened:
    input:
        "hardened" + campaign.suffix,
        "{run}/{shard}.hardened.played",
        "{run}/{shard}.sites.ndjson",
    output:
        "{run}/{shard}.hardened.predictions.tsv",
    params:
        command=lambda wildcards: commands.keep(campaign.run(wildcards.run), wildcards.shard, commands.HARDENED),
        played=lambda wildcards: commands.play(campaign, campaign.run(wildcards.run), wildcards.shard, commands.HARDENED),
        basis=lambda wildcards: basis.hardened_predictions(campaign, campaign.run(wildcards.run)),
    group:
        "hardened shard"
    shell:
        "{params.command}"


rule table_hardened:
    input:
        [f"{shard}.hardened.predictions.tsv" for shard in SHARDS],
    output:
        "predictions.hardened.tsv",
    log:
        "logs/table.hardened.log",
    run:
        with teller.heard(log[0]):
            table.merge(input, output[0])


rule pairs:
    input:
        "predictions.tsv",
        "predictions.hardened.tsv",
        made("weights.tsv"),
        ["frequencies.tsv"] if campaign.reweighted else [],
    output:
        "pairs.tsv",
    log:
        "logs/pairs.log",
    params:
        command=commands.pairs(campaign),
        basis=lambda wildcards: basis.estimates(campaign),
    shell:
        "({params.command}) 2> {log}"
