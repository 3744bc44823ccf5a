package graphsim

import "strings"

// label is a name as shown and as it is spelled in an address.
type label struct{ shown, slug string }

// culture is a stock of names that go together and the countries where people
// of these names mostly work.
type culture struct {
	first, last []label
	countries   []int
}

// nameSource holds names separated by spaces; "shown|slug" where the address
// differs from the lower-cased name. A "_" inside a name stands for a space.
type nameSource struct {
	first, last string
	countries   []int
}

var nameSources = []nameSource{
	{
		"James Mary John Patricia Robert Jennifer Michael Linda David Elizabeth William Barbara Richard Susan Joseph Jessica Thomas Sarah Charles Karen Daniel Nancy Matthew Lisa Anthony Betty Mark Helen Steven Sandra Paul Ashley Andrew Emily Kevin Olivia Brian Grace George Chloe Seán|sean Siobhán|siobhan D'Arcy|darcy Renée|renee",
		"Smith Jones Taylor Brown Williams Wilson Johnson Davies Robinson Wright Thompson Evans Walker White Roberts Green Hall Wood Jackson Clarke O'Brien|obrien O'Neill|oneill O'Connor|oconnor McDonald Murphy Kelly Byrne Ryan Baker Carter Mitchell Parker Collins Edwards Stewart Morris Rogers Reed Cook Bell Cooper Richardson Cox Ward Peterson Gray Ramirez Watson Brooks Sanders Price Bennett Hughes Foster Sullivan Russell Ortiz Fisher Graham St._John|stjohn",
		[]int{placeUS, placeGB, placeUS, placeIE, placeUS, placeGB},
	},
	{
		"Jürgen|juergen Anna Lukas Jörg|joerg Sophie Maximilian Käthe|kaethe Felix Marie Günter|guenter Hanna Stefan Björn|bjoern Laura Sebastian Zoë|zoe Matthias Ursula Tobias Heike Florian Sabine Andreas Petra Christian Monika Uwe Claudia Ralf Birgit",
		"Müller|mueller Schmidt Schneider Fischer Weber Meyer Wagner Becker Schulz Hoffmann Schäfer|schaefer Koch Bauer Richter Klein Wolf Schröder|schroeder Neumann Schwarz Zimmermann Braun Krüger|krueger Hofmann Hartmann Lange Weiß|weiss Köhler|koehler Jäger|jaeger von_Stein|vonstein Größe|groesse",
		[]int{placeDE, placeDE, placeAT, placeCH, placeDE},
	},
	{
		"Amélie|amelie Benoît|benoit Chloé|chloe Édouard|edouard François|francois Geneviève|genevieve Hélène|helene Jérôme|jerome Léa|lea Mathieu Noémie|noemie Océane|oceane Pierre Quentin Rémi|remi Sylvie Thérèse|therese Vincent",
		"Martin Bernard Dubois Durand Lefèvre|lefevre Moreau Laurent Simon Michel Garcia Fournier Girard Bonnet D'Angelo|dangelo L'Écuyer|lecuyer Côté|cote Tremblay Gagnon",
		[]int{placeFR, placeFR, placeCH, placeCA},
	},
	{
		"Álvaro|alvaro Lucía|lucia Íñigo|inigo Sofía|sofia José|jose María|maria Nuño|nuno Begoña|begona João|joao Inês|ines Conceição|conceicao Diego Carmen Rafael",
		"García|garcia Fernández|fernandez Muñoz|munoz Núñez|nunez Peña|pena Ibáñez|ibanez Gonçalves|goncalves Conceição|conceicao Silva Santos de_la_Cruz|delacruz Ortega Romero Castro",
		[]int{placeES, placeBR, placeES},
	},
	{
		"Łukasz|lukasz Małgorzata|malgorzata Święta|swieta Paweł|pawel Agnieszka Jiří|jiri Tomáš|tomas Kateřina|katerina Zdeněk|zdenek Elżbieta|elzbieta",
		"Kowalska Wiśniewski|wisniewski Wójcik|wojcik Kamińska|kaminska Dąbrowski|dabrowski Zieliński|zielinski Dvořák|dvorak Novák|novak Černý|cerny Procházka|prochazka Šťastná|stastna",
		[]int{placePL, placeCZ},
	},
	{
		"Åsa|asa Søren|soeren Øystein|oystein Jónas|jonas Märta|marta Häkan|hakan Bjørk|bjork Astrid Lars Ingrid",
		"Åkesson|akesson Sjöberg|sjoberg Ødegård|odegard Bjørnsen|bjornsen Nygård|nygard Þórsson|thorsson Lindqvist Hansen Mäkinen|makinen",
		[]int{placeSE, placeNO},
	},
	{
		"王伟|wei 李娜|na 张敏|min 刘洋|yang 陈静|jing 杨帆|fan 赵磊|lei 黄蓉|rong",
		"王|wang 李|li 张|zhang 刘|liu 陈|chen 杨|yang 赵|zhao 黄|huang 欧阳|ouyang",
		[]int{placeCN, placeSG},
	},
	{
		"さくら|sakura 健太|kenta 美咲|misaki 翔太|shota 陽菜|hina 大輔|daisuke",
		"佐藤|sato 鈴木|suzuki 高橋|takahashi 田中|tanaka 渡辺|watanabe 伊藤|ito",
		[]int{placeJP},
	},
	{
		"Priya Arjun Ananya Rohan Deepika Vikram Lakshmi Rahul Sunita Karthik Aishwarya Sanjay Meera Nikhil Pooja Harish",
		"Sharma Patel Singh Gupta Kumar Reddy Iyer Nair Rao Mehta Joshi Chatterjee Banerjee Desai Kapoor Menon",
		[]int{placeIN, placeIN, placeGB, placeUS},
	},
	{
		"محمد|mohammed فاطمة|fatima Ahmet Ayşe|ayse Çağla|cagla Ömer|omer Αλέξανδρος|alexandros Ελένη|eleni",
		"Yılmaz|yilmaz Şahin|sahin Öztürk|ozturk الهاشمي|alhashimi Παπαδόπουλος|papadopoulos Gündoğdu|gundogdu",
		[]int{placeTR, placeAE},
	},
}

var cultures, pairCount = parseCultures()

// parseCultures splits the sources and counts all pairs of first and last
// name, the size of the space people's names are dealt from.
func parseCultures() ([]culture, int) {
	var out []culture
	pairs := 0
	for _, src := range nameSources {
		c := culture{parseLabels(src.first), parseLabels(src.last), src.countries}
		pairs += len(c.first) * len(c.last)
		out = append(out, c)
	}
	return out, pairs
}

func parseLabels(text string) []label {
	var out []label
	for _, word := range strings.Fields(text) {
		shown, slug, ok := strings.Cut(word, "|")
		if !ok {
			slug = strings.ToLower(word)
		}
		out = append(out, label{strings.ReplaceAll(shown, "_", " "), slug})
	}
	return out
}

// pair finds the names and the culture of one number below pairCount.
func pair(n int) (first, last *label, c *culture) {
	for i := range cultures {
		c = &cultures[i]
		size := len(c.first) * len(c.last)
		if n < size {
			return &c.first[n/len(c.last)], &c.last[n%len(c.last)], c
		}
		n -= size
	}
	return &cultures[0].first[0], &cultures[0].last[0], &cultures[0]
}
