/// The page's style: readable on a phone, on a wide screen, in the dark and on paper.
enum HTMLStyle {
  /// The content of the page's only style element.
  static let sheet = """
    :root{color-scheme:light dark;--page:#fbfbf9;--card:#fff;--ink:#1d2126;--soft:#5b636d;
    --line:#dcdfe3;--head:#f1f2f0;--link:#0b5cad;--good:#1a7f4b;--warn:#a15c00;--bad:#b3261e;
    --note:#3c5a80;--goodback:#e8f5ee;--warnback:#fdf3e1;--badback:#fdecea;--noteback:#eaf1f8;
    --s0:#0b63b0;--s1:#c2410c;--s2:#16803c;--s3:#8b3fa8;--s4:#8a6d00;--s5:#be185d}
    @media screen and (prefers-color-scheme:dark){:root{--page:#14171a;--card:#1c2024;--ink:#e6e8ea;
    --soft:#a3abb4;--line:#353b42;--head:#23282d;--link:#7db8f5;--good:#62d394;--warn:#f2b45a;
    --bad:#ff8a80;--note:#9cc3ee;--goodback:#16291f;--warnback:#2d2413;--badback:#331a18;
    --noteback:#18242f;--s0:#6cb2f7;--s1:#ff9a62;--s2:#66d38d;--s3:#d59cf0;--s4:#e0c34c;
    --s5:#ff8fb8}}
    *{box-sizing:border-box}
    body{margin:0;background:var(--page);color:var(--ink);line-height:1.5;
    font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif}
    main,header,footer{max-width:68rem;margin:0 auto;padding:0 1.25rem}
    h1{font-size:1.75rem;line-height:1.2;margin:1.5rem 0 .25rem}
    h2{font-size:1.3rem;margin:2.75rem 0 .5rem;padding-top:.75rem;border-top:1px solid var(--line)}
    h3{font-size:1.02rem;margin:1.5rem 0 .4rem}
    p{margin:.5rem 0;max-width:46rem}a{color:var(--link)}
    .subtitle,.meaning,.soft,figcaption{color:var(--soft)}
    .zone{font-size:.9rem;padding:.6rem 1.25rem;text-align:center;border-bottom:1px solid var(--line)}
    .zone.internal{background:var(--badback);color:var(--bad);font-weight:600}
    .zone.release{background:var(--goodback);color:var(--good)}
    .box{border:1px solid var(--line);border-left:.4rem solid var(--note);border-radius:.5rem;
    background:var(--noteback);padding:.8rem 1.1rem;margin:1rem 0;break-inside:avoid}
    .box.passed{border-left-color:var(--good);background:var(--goodback)}
    .box.warning{border-left-color:var(--warn);background:var(--warnback)}
    .box.failed{border-left-color:var(--bad);background:var(--badback)}
    .box .mark{font-weight:700;margin-right:.45rem}
    .passed>.mark,.passed>strong>.mark{color:var(--good)}
    .warning>.mark,.warning>strong>.mark{color:var(--warn)}
    .failed>.mark,.failed>strong>.mark{color:var(--bad)}
    .note>.mark,.note>strong>.mark{color:var(--note)}
    .verdict{padding:1.1rem 1.3rem;margin:1.25rem 0;display:grid;gap:1rem 2rem;
    grid-template-columns:repeat(auto-fit,minmax(min(100%,20rem),1fr))}
    .verdict strong{font-size:1.2rem;line-height:1.3;display:block}
    .verdict ul{margin:.6rem 0 0;padding-left:1.2rem}
    .withheld{border-style:dashed;background:transparent;color:var(--soft)}
    nav ul{list-style:none;display:flex;flex-wrap:wrap;gap:.35rem .9rem;padding:0;margin:1rem 0}
    .scroll{overflow-x:auto;margin:.75rem 0}
    table{border-collapse:collapse;width:100%;font-size:.92rem;font-variant-numeric:tabular-nums}
    caption{text-align:left;color:var(--soft);padding:.25rem 0;font-size:.92rem}
    th,td{text-align:right;vertical-align:top;padding:.5rem .6rem;border-bottom:1px solid var(--line)}
    th:first-child,td:first-child{text-align:left}
    thead th{background:var(--head);font-weight:600;vertical-align:bottom}
    tbody th{font-weight:600}
    table.facts{width:auto}.facts td,.facts th,.words td,.words th{text-align:left}
    .plain th,.plain td{padding:.3rem .6rem}
    .metrics td{white-space:nowrap}
    .metrics tbody th{white-space:normal;min-width:15rem;max-width:24rem}
    .metrics .meaning{display:block;font-weight:400;font-size:.85rem;line-height:1.35}
    .value{font-weight:700;font-size:1.05rem}
    .interval{display:block;color:var(--soft);font-size:.82rem}
    .best{color:var(--good)}
    figure{margin:1rem 0;break-inside:avoid}
    figure img{image-rendering:pixelated;max-width:100%;height:auto;border-radius:.25rem;
    background:#808080}
    figcaption{font-size:.9rem;margin-top:.3rem;max-width:46rem}
    svg{display:block;width:100%;max-width:46rem;height:auto}
    svg text{fill:var(--soft);font-size:12px;font-family:inherit}
    svg .grid{stroke:var(--line);stroke-width:1}
    svg .curve{fill:none;stroke-width:2.2;stroke-linejoin:round}
    .legend{display:flex;flex-wrap:wrap;gap:.2rem 1.1rem;font-size:.9rem;margin:.2rem 0}
    .legend i{display:inline-block;width:1.2rem;height:.25rem;border-radius:2px;margin-right:.4rem;
    vertical-align:middle}
    .c0{stroke:var(--s0);background:var(--s0)}.c1{stroke:var(--s1);background:var(--s1)}
    .c2{stroke:var(--s2);background:var(--s2)}.c3{stroke:var(--s3);background:var(--s3)}
    .c4{stroke:var(--s4);background:var(--s4)}.c5{stroke:var(--s5);background:var(--s5)}
    .d1{stroke-dasharray:7 4}.d2{stroke-dasharray:2 4}.d3{stroke-dasharray:9 3 2 3}
    pre{background:var(--head);padding:.8rem 1rem;border-radius:.4rem;overflow-x:auto;font-size:.88rem}
    footer{color:var(--soft);font-size:.88rem;margin:3rem auto 2rem;border-top:1px solid var(--line);
    padding-top:.8rem}
    @media screen and (max-width:46rem){body{font-size:15px}svg text{font-size:20px}
    main,header,footer{padding:0 .9rem}
    .metrics thead{display:none}.metrics,.metrics tbody,.metrics tr,.metrics td,.metrics tbody th
    {display:block;width:100%;text-align:left;white-space:normal;border:0;padding:.12rem 0;
    min-width:0;max-width:none}
    .metrics tr{border:1px solid var(--line);border-radius:.5rem;background:var(--card);
    padding:.6rem .8rem;margin:.6rem 0}
    .metrics td{display:flex;justify-content:space-between;gap:1rem}
    .metrics td::before{content:attr(data-label);color:var(--soft);flex:0 1 auto}
    .metrics td>span{text-align:right}.metrics td.none{display:none}}
    @media print{:root{color-scheme:light;--page:#fff;--card:#fff;--ink:#000;--soft:#444;
    --line:#bbb;--head:#eee}
    body{font-size:9.5pt}main,header,footer{max-width:none;padding:0}nav{display:none}
    h1{margin-top:.75rem}h2{margin-top:1.5rem}h2,h3,h2+p,h3+p,caption{break-after:avoid}
    tr,thead{break-inside:avoid}table{font-size:8.5pt}th,td{padding:.25rem .35rem}
    .metrics tbody th{min-width:9rem}.metrics .meaning,.interval{font-size:7.5pt}
    .value{font-size:9.5pt}.scroll{overflow:visible}a{color:inherit;text-decoration:none}
    caption,figcaption,.legend,.zone,footer{font-size:8.5pt}p{orphans:3;widows:3}
    figure{margin:.5rem 0}svg{max-width:34rem}pre{white-space:pre-wrap;overflow-wrap:anywhere}
    *{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
    """
}
