//! The words that people, companies and places of the demo are named with.

/// How people and companies of a country are named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tongue {
    German,
    French,
    Spanish,
    English,
    Nordic,
    Polish,
    Dutch,
}

/// A country in which accounts sit.
#[derive(Debug)]
pub(super) struct Country {
    pub(super) code: &'static str,
    pub(super) name: &'static str,
    pub(super) tongue: Tongue,
    pub(super) weight: i64,
    /// The currency of its companies' accounts.
    pub(super) currency: &'static str,
    /// How many units of the currency make a euro, in hundredths.
    pub(super) rate: i64,
    pub(super) territory: &'static str,
    pub(super) cities: &'static [&'static str],
    pub(super) forms: &'static [&'static str],
    /// A number range that its regulator keeps free for fiction; `#` is a digit.
    pub(super) phone: Option<&'static str>,
}

macro_rules! countries {
    ($($code:literal $name:literal $tongue:ident $weight:literal $currency:literal $rate:literal $territory:literal
       [$($city:literal),*] [$($form:literal),*] $phone:expr;)*) => {
        pub(super) const COUNTRIES: &[Country] = &[$(Country {
            code: $code, name: $name, tongue: Tongue::$tongue, weight: $weight, currency: $currency, rate: $rate,
            territory: $territory, cities: &[$($city),*], forms: &[$($form),*], phone: $phone,
        }),*];
    };
}

countries! {
    "DE" "Deutschland" German 62 "EUR" 100 "DACH" ["München", "Köln", "Düsseldorf", "Hamburg", "Berlin", "Stuttgart", "Nürnberg", "Leipzig", "Bremen", "Lübeck", "Saarbrücken", "Würzburg"] ["GmbH", "AG", "GmbH & Co. KG", "SE"] Some("+49 30 23125 ###");
    "AT" "Österreich" German 14 "EUR" 100 "DACH" ["Wien", "Graz", "Linz", "Salzburg", "Klagenfurt"] ["GmbH", "AG"] None;
    "CH" "Schweiz" German 14 "CHF" 95 "DACH" ["Zürich", "Basel", "Bern", "Winterthur", "Genève"] ["AG", "GmbH"] None;
    "FR" "France" French 22 "EUR" 100 "Continental Europe" ["Paris", "Lyon", "Saint-Étienne", "Orléans", "Nîmes", "Toulouse", "Lille", "Besançon"] ["SA", "SAS"] Some("+33 1 99 00 ## ##");
    "BE" "Belgique" French 6 "EUR" 100 "Continental Europe" ["Liège", "Bruxelles", "Namur", "Charleroi"] ["SA", "SRL"] None;
    "ES" "España" Spanish 14 "EUR" 100 "Continental Europe" ["Málaga", "Córdoba", "Madrid", "Barcelona", "A Coruña", "Zaragoza", "Bilbao"] ["S.A.", "S.L."] None;
    "NL" "Nederland" Dutch 12 "EUR" 100 "Continental Europe" ["Rotterdam", "Utrecht", "Eindhoven", "Groningen", "Tilburg"] ["B.V.", "N.V."] None;
    "PL" "Polska" Polish 16 "PLN" 430 "Continental Europe" ["Kraków", "Wrocław", "Gdańsk", "Łódź", "Poznań", "Warszawa"] ["Sp. z o.o.", "S.A."] None;
    "GB" "UK" English 30 "GBP" 85 "UK & Ireland" ["London", "Manchester", "Birmingham", "Leeds", "Bristol", "Glasgow", "Sheffield"] ["Ltd", "plc"] Some("+44 20 7946 0###");
    "IE" "Ireland" English 6 "EUR" 100 "UK & Ireland" ["Dublin", "Cork", "Galway", "Dún Laoghaire"] ["Ltd", "DAC"] None;
    "SE" "Sverige" Nordic 13 "SEK" 1_120 "Nordics" ["Malmö", "Göteborg", "Stockholm", "Västerås", "Norrköping"] ["AB"] Some("+46 31 390 06 ##");
    "DK" "Danmark" Nordic 8 "DKK" 746 "Nordics" ["København", "Aarhus", "Odense", "Helsingør"] ["A/S", "ApS"] None;
    "NO" "Norge" Nordic 7 "NOK" 1_150 "Nordics" ["Oslo", "Bergen", "Tromsø", "Bodø"] ["AS"] None;
    "US" "USA" English 36 "USD" 108 "Americas" ["Chicago", "Denver", "Pittsburgh", "Austin", "Cleveland", "Portland", "Milwaukee", "Charlotte"] ["Inc.", "LLC", "Corp."] Some("+1 312 555 01##");
}

/// What a company does, in each tongue: German, French, Spanish, English, Nordic, Polish, Dutch.
#[derive(Debug)]
pub(super) struct Industry {
    pub(super) name: &'static str,
    pub(super) words: [&'static [&'static str]; 7],
    pub(super) does: &'static str,
    /// How well its companies fit what the demo company sells, 0 to 40.
    pub(super) fit: i64,
    /// Revenue per employee and year in thousands of euros.
    pub(super) revenue: i64,
}

macro_rules! industries {
    ($($name:literal $fit:literal $revenue:literal $does:literal [$([$($word:literal),*])*];)*) => {
        pub(super) const INDUSTRIES: &[Industry] = &[$(Industry {
            name: $name, words: [$(&[$($word),*]),*], does: $does, fit: $fit, revenue: $revenue,
        }),*];
    };
}

industries! {
    "Logistics" 34 140 "moves goods by road and rail and keeps warehouses for manufacturers"
        [["Logistik", "Spedition"] ["Logistique", "Transports"] ["Logística", "Transportes"] ["Logistics", "Freight"] ["Logistik", "Frakt"] ["Logistyka", "Transport"] ["Logistiek", "Transport"]];
    "Mechanical engineering" 38 190 "builds special machines and services them at its customers' plants"
        [["Maschinenbau", "Antriebstechnik"] ["Mécanique", "Machines"] ["Maquinaria", "Mecánica"] ["Engineering", "Machine Works"] ["Maskin", "Mekanik"] ["Maszyny", "Mechanika"] ["Machinebouw", "Techniek"]];
    "Energy" 40 420 "generates and distributes power and heat, ever more of it from wind and sun"
        [["Energie", "Stadtwerke"] ["Énergie", "Électricité"] ["Energía", "Renovables"] ["Energy", "Power"] ["Energi", "Kraft"] ["Energia", "Energetyka"] ["Energie", "Windkracht"]];
    "Chemicals" 36 340 "makes coatings, adhesives and intermediates in continuous processes"
        [["Chemie", "Werkstoffe"] ["Chimie", "Matériaux"] ["Química", "Polímeros"] ["Chemicals", "Polymers"] ["Kemi", "Polymer"] ["Chemia", "Polimery"] ["Chemie", "Polymeren"]];
    "Pharmaceuticals" 32 310 "develops and fills medicines under strict validation"
        [["Pharma", "Arzneimittel"] ["Pharma", "Laboratoires"] ["Farma", "Laboratorios"] ["Pharma", "Biologics"] ["Farma", "Läkemedel"] ["Farmacja", "Biofarm"] ["Farma", "Geneesmiddelen"]];
    "Automotive supply" 35 210 "supplies braking, steering and interior modules just in sequence"
        [["Fahrzeugtechnik", "Automotive"] ["Équipements", "Automobile"] ["Automoción", "Componentes"] ["Automotive", "Components"] ["Fordon", "Komponent"] ["Motoryzacja", "Komponenty"] ["Automotive", "Onderdelen"]];
    "Food production" 33 260 "processes and packs food for retailers, day and night"
        [["Lebensmittel", "Molkerei"] ["Agroalimentaire", "Laiterie"] ["Alimentos", "Lácteos"] ["Foods", "Dairy"] ["Livsmedel", "Mejeri"] ["Żywność", "Mleczarnia"] ["Voeding", "Zuivel"]];
    "Rail and public transport" 39 130 "runs regional trains and buses and keeps its own depots"
        [["Bahntechnik", "Verkehrsbetriebe"] ["Ferroviaire", "Mobilité"] ["Ferrocarriles", "Movilidad"] ["Rail", "Transit"] ["Järnväg", "Trafik"] ["Kolej", "Tabor"] ["Spoor", "Vervoer"]];
    "Healthcare" 24 95 "runs hospitals and the medical equipment in them"
        [["Kliniken", "Medizintechnik"] ["Cliniques", "Santé"] ["Clínicas", "Salud"] ["Hospitals", "Health"] ["Vård", "Klinik"] ["Szpitale", "Zdrowie"] ["Klinieken", "Zorg"]];
    "Telecommunications" 28 280 "builds and maintains fibre and radio networks"
        [["Netze", "Funktechnik"] ["Réseaux", "Télécom"] ["Redes", "Telecom"] ["Networks", "Telecom"] ["Nät", "Telekom"] ["Sieci", "Telekom"] ["Netwerken", "Telecom"]];
    "Facility services" 37 70 "looks after lifts, ventilation and fire safety in other people's buildings"
        [["Gebäudetechnik", "Facility Services"] ["Services", "Maintenance"] ["Servicios", "Instalaciones"] ["Facilities", "Building Services"] ["Fastighet", "Service"] ["Serwis", "Obiekty"] ["Gebouwbeheer", "Installatie"]];
    "Retail" 16 240 "runs shops with cold chains and tills that must not stand still"
        [["Handel", "Märkte"] ["Distribution", "Magasins"] ["Comercio", "Mercados"] ["Retail", "Stores"] ["Handel", "Butiker"] ["Handel", "Markety"] ["Handel", "Winkels"]];
    "Construction" 22 200 "builds roads, bridges and plants with a large machine park"
        [["Bau", "Tiefbau"] ["Construction", "Travaux"] ["Construcciones", "Obras"] ["Construction", "Civil"] ["Bygg", "Entreprenad"] ["Budowa", "Konstrukcje"] ["Bouw", "Infra"]];
}

macro_rules! by_tongue {
    ($(#[$doc:meta])+ $name:ident: $([$($word:literal),*])*) => {
        $(#[$doc])+
        pub(super) const $name: [&[&str]; 7] = [$(&[$($word),*]),*];
    };
}

by_tongue! {
    /// First words of company names, in the order of [`Tongue`].
    STEMS:
    ["Nordwind", "Falkenried", "Grünbrück", "Eichhalde", "Möwenstein", "Silberdistel", "Königstann", "Ahornquell",
     "Steinmühle", "Rabenfurt", "Moosgrund", "Lindenhöh", "Tannfels", "Wolkenburg", "Birkenau-Süd", "Weißdorn",
     "Hasselbruch", "Kranichsee", "Morgentau", "Brückner & Voß"]
    ["Bellerive", "Clairval", "Montfleury", "Hautecombe", "Grandpré", "Rochevive", "Val d’Orage", "Beauséjour",
     "Pierrelongue", "Chênevert", "Fontclaire", "Étoile du Nord"]
    ["Montaña Clara", "Río Bravío", "Peñablanca", "Sierra Alta", "Vallehondo", "Castañar", "Piedraluna", "Olivares",
     "Torremaña"]
    ["Harrowgate", "Blackthorn", "Northmere", "Silverbrook", "Oakhollow", "Ravensdale", "Copperfield", "Lakemont",
     "Stonebridge", "Redwillow", "Fairhaven", "Kestrel Point", "Ironvale", "Summerlea", "Bridgewick", "Eastmarch",
     "Thornbury Hall", "Greyfell"]
    ["Björkfors", "Nordfjäll", "Sjöhamn", "Älvkraft", "Granåsen", "Havsvik", "Ørneborg", "Stenbæk", "Vintersol",
     "Fjordlys", "Åsgård"]
    ["Dębowa", "Złota Góra", "Żubrówek", "Jaskółka", "Białystrum", "Sosnówka", "Wiśniowy Las", "Bursztyn", "Północna"]
    ["Waterlinie", "Oosterduin", "Zonneveld", "Lage Weide", "Molenbeek", "Duinhoven", "Ijsvogel", "Zilverreiger"]
}

by_tongue! {
    /// Given names, in the order of [`Tongue`].
    FIRST:
    ["Jürgen", "Ursula", "Stefan", "Käthe", "Matthias", "Annette", "Jörg", "Sabine", "Günther", "Bärbel", "Lukas",
     "Hannah", "Sören", "Anneliese", "Florian", "Katharina", "Thomas", "Claudia", "Björn", "Heike", "Sebastian",
     "Ayşe", "Moritz", "Charlotte"]
    ["François", "Amélie", "Jérôme", "Hélène", "Benoît", "Chloé", "Étienne", "Céline", "Loïc", "Aurélie", "Rémi",
     "Élodie", "Guillaume", "Maëlle", "Thierry", "Noémie"]
    ["José", "María", "Íñigo", "Begoña", "Álvaro", "Lucía", "Sergio", "Inés", "Jesús", "Rocío", "Andrés", "Nuria",
     "Óscar", "Mónica"]
    ["James", "Charlotte", "Oliver", "Emily", "William", "Grace", "Daniel", "Siobhán", "Michael", "Priya", "Thomas",
     "Rachel", "Marcus", "Zoë", "Andrew", "Naomi", "Seán", "Olivia", "Ravi", "Hannah", "Brian", "Alicia"]
    ["Björn", "Åsa", "Søren", "Astrid", "Håkan", "Ingrid", "Lars", "Maja", "Øyvind", "Linnéa", "Jørgen", "Freja",
     "Mårten", "Sigrid", "Kåre", "Elin"]
    ["Łukasz", "Małgorzata", "Paweł", "Agnieszka", "Michał", "Żaneta", "Grzegorz", "Joanna", "Stanisław", "Bożena",
     "Krzysztof", "Zofia", "Rafał", "Świętosława"]
    ["Joost", "Femke", "Daan", "Sanne", "Ruben", "Marloes", "Thijs", "Anouk", "Coen", "Noëlle", "Bram", "Liesbeth"]
}

by_tongue! {
    /// Family names, in the order of [`Tongue`].
    LAST:
    ["Müller", "Weiß", "Schröder", "Krüger", "Vogel", "Jäger", "Köhler", "Groß", "Lehmann", "Böhm", "Hübner",
     "Schäfer", "Strauß", "Lindner", "Öztürk", "Brandt", "Fürst", "Kuhn", "Scholz", "Röder", "Zimmermann", "Graßl",
     "Hoffmann", "Wörner", "Bäcker", "Seidel"]
    ["Lefèvre", "Dubois", "Gérard", "Moreau", "Bénard", "Rousseau", "Châtelain", "Fournier", "Lemaître", "Garçon",
     "Béranger", "Mercier", "Lagrange", "Préfontaine", "Aubry"]
    ["Muñoz", "García", "Fernández", "Ibáñez", "Núñez", "Peña", "Gómez", "Zúñiga", "Hernández", "Castaño", "López",
     "Ordóñez", "Vázquez", "Martín"]
    ["Harrison", "O’Neill", "Bennett", "Whitfield", "Carter", "Murphy", "Sinclair", "Patel", "Lawson", "Fletcher",
     "Ó Briain", "Thornton", "Reyes", "Brooks", "Nguyen", "Hughes", "Coleman", "Ashworth", "Kowalski", "Mensah",
     "Walsh"]
    ["Sjöberg", "Ångström", "Nygård", "Sørensen", "Lindqvist", "Hæstad", "Bergström", "Østergaard", "Håkansson",
     "Kjær", "Nyström", "Bækgaard", "Öberg", "Solbakken", "Åkesson"]
    ["Kowalczyk", "Wójcik", "Dąbrowski", "Zieliński", "Szymański", "Woźniak", "Jabłoński", "Król", "Wróbel",
     "Pawłowski", "Gołębiewski", "Śliwa", "Żak"]
    ["de Vries", "Bakker", "van den Berg", "Smit", "Hoekstra", "Dijkstra", "Visser", "Mulder", "de Graaf", "Brouwer",
     "van Loon", "Koëter"]
}
